/** Which event types there are: the built-in ones, or these and what operators have registered. */
export interface EventTypes {
  has(type: string): boolean;
  /** Whether there is a type below `family.`. */
  hasFamily(family: string): boolean;
}
