/** Which event types there are: the built-in ones, or these and what operators have registered. */
export interface EventTypes {
  has(type: string): boolean;
  /** Whether it was there and takes no events and no new subscriptions any more. */
  isArchived?(type: string): boolean;
  /** Whether there is a type below `family.`. */
  hasFamily(family: string): boolean;
}
