import type { Json } from '../json.ts';

/** Where a flow goes on: the next step, its end, or the step with this label, which must come later. */
export type Target = string;
export const CONTINUE = 'continue';
export const END = 'end';

export const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type Method = (typeof METHODS)[number];

/**
 * A body with variables: a string is text in which `{{…}}` is replaced; in any other JSON value every string is, and one
 * that is nothing but a variable takes over the variable's type.
 */
export type BodyTemplate = Json;

interface Labelled {
  /** What other steps jump to, and under what `steps.<label>` its result is found. */
  readonly label: string | null;
}

export interface ConditionStep extends Labelled {
  readonly kind: 'condition';
  readonly expression: string;
  readonly onTrue: Target;
  readonly onFalse: Target;
}

export interface CallOutStep extends Labelled {
  readonly kind: 'call_out';
  readonly method: Method;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** `null`: no body. */
  readonly body: BodyTemplate;
  readonly timeoutSeconds: number;
  /** What an answer other than 2xx, or none, does to the flow. */
  readonly onFailure: 'fail' | 'continue';
}

export interface ResponseStep extends Labelled {
  readonly kind: 'response';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: BodyTemplate;
}

export interface EndStep extends Labelled {
  readonly kind: 'end';
}

/** One step of a flow. Flows are lists; jumps lead forward only, so that every flow comes to its end. */
export type Step = ConditionStep | CallOutStep | ResponseStep | EndStep;

/** The index of the step at which a flow goes on after `from`; `length` of the list is the end. */
export function stepAt(steps: readonly Step[], from: number, target: Target): number {
  if (target === CONTINUE) return from + 1;
  if (target === END) return steps.length;
  const found = steps.findIndex(({ label }, i) => i > from && label === target);
  return found < 0 ? steps.length : found;
}
