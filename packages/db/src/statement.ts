/** What is asked again and again: each connection parses and plans it once, under its name. */
export interface Statement {
  /** One name for one text: a connection that knows the name uses the text it first heard. */
  readonly name: string;
  /** With `$1`, `$2`, … for the values. */
  readonly text: string;
}
