import { cutAtBraces } from '../braces.ts';
import { err, ok, type Result, unreachable } from '../result.ts';
import type { Fault } from './positioned-json.ts';
import { isVariableName, VARIABLE_NAMES, type VariableName } from './variables.ts';

export const MAX_PATH_SEGMENTS = 16;
/** In one template. */
export const MAX_PLACEHOLDERS = 500;
export const TOO_MANY_PLACEHOLDERS = `from here on more than ${MAX_PLACEHOLDERS} placeholders are used`;

/** `{{resource.items.0}}`: a variable and the way from it to a value. */
export interface Placeholder {
  readonly variable: VariableName;
  readonly path: readonly string[];
}

/** One string of a template: text as it is, with placeholders between. */
export type Pieces = readonly (string | Placeholder)[];

export const placeholdersIn = (pieces: Pieces): number => pieces.filter((piece) => typeof piece !== 'string').length;

// Letters and digits of any script: keys of crawled data are not always English.
const SEGMENT = /^[\p{L}\p{M}\p{N}_-]+$/u;

/** Cuts a string of a template at its placeholders. Offsets of faults count in `value`. */
export function parsePieces(value: string): Result<Pieces, Fault[]> {
  const pieces: (string | Placeholder)[] = [];
  const faults: Fault[] = [];
  for (const stretch of cutAtBraces(value)) {
    switch (stretch.kind) {
      case 'text':
        pieces.push(stretch.text);
        break;
      case 'variable': {
        const placeholder = parsePlaceholder(stretch.inner);
        if (placeholder.ok) pieces.push(placeholder.value);
        else faults.push({ message: placeholder.error, offset: stretch.offset });
        break;
      }
      case 'unclosed': {
        const message = 'these braces are not closed: write {{name}} or {{name.path}}';
        faults.push({ message, offset: stretch.offset });
        break;
      }
      default:
        return unreachable(stretch);
    }
  }
  return faults.length > 0 ? err(faults) : ok(pieces);
}

function parsePlaceholder(inner: string): Result<Placeholder, string> {
  const written = inner.trim();
  if (written === '') return err(`these braces are empty: write a variable, one of ${ALLOWED}`);
  const [variable = '', ...path] = written.split('.', MAX_PATH_SEGMENTS + 1);
  if (path.length === MAX_PATH_SEGMENTS) return err(`${shown(written)} has more than ${MAX_PATH_SEGMENTS} segments`);
  if (![variable, ...path].every((segment) => SEGMENT.test(segment))) {
    return err(`${shown(written)} is no variable: names of letters, digits, _ and -, with single dots between`);
  }
  if (!isVariableName(variable)) return err(`unknown variable ${shown(variable)}; allowed are ${ALLOWED}`);
  return ok({ variable, path });
}

const ALLOWED = VARIABLE_NAMES.join(', ');

const shown = (text: string): string => JSON.stringify(text.length <= 64 ? text : `${text.slice(0, 63)}…`);
