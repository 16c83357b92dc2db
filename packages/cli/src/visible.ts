// Control characters (C0, DEL, C1) move the cursor and worse; those of writing direction make text read as another.
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Text of somebody else's, safe to print on a terminal and in one line. */
export const visible = (text: string): string => text.replace(HIDDEN, escaped);

/** The same, with its line breaks and tabs. */
export const visibleLines = (text: string): string =>
  text.replace(HIDDEN, (character) => (character === '\n' || character === '\t' ? character : escaped(character)));
