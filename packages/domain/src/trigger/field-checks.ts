import type { UrlPolicy } from '../security/endpoint-url.ts';
import { type Violation, type ViolationCode, violation } from '../violation.ts';
import { checkCustomHeaders } from '../webhook/custom-headers.ts';

/** What is allowed depends on the deployment, and conditions on a language that the domain does not know. */
export interface TriggerPolicy extends UrlPolicy {
  /** Why a condition cannot be used; `null` when it can. */
  conditionProblem(expression: string): string | null;
}

/** The rules of custom headers, under another name. */
export const checkHeaders = (field: string, headers: Readonly<Record<string, string>>): Violation[] =>
  checkCustomHeaders(headers).map((found) => ({ ...found, field: found.field.replace('custom_headers', field) }));

export function checkNumber(
  field: string,
  value: number,
  { min, max }: { readonly min: number; readonly max: number },
  wrong: Violation[],
): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  const code: ViolationCode = value < min ? 'TOO_SMALL' : value > max ? 'TOO_LARGE' : 'INVALID_VALUE';
  wrong.push(violation(field, code, `must be a whole number from ${min} to ${max}`));
}

export function checkText(
  field: string,
  value: string,
  { min = 0, max }: { readonly min?: number; readonly max: number },
  wrong: Violation[],
): void {
  if (value === '' && min > 0) wrong.push(violation(field, 'REQUIRED', `is required: ${min} to ${max} characters`));
  else if (value.length > max) wrong.push(violation(field, 'TOO_LONG', `must be at most ${max} characters`));
}
