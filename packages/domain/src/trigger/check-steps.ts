import type { Json } from '../json.ts';
import { checkEndpointUrl } from '../security/endpoint-url.ts';
import { type Violation, violation } from '../violation.ts';
import { checkHeaders, checkNumber, type TriggerPolicy } from './field-checks.ts';
import { SCOPE_NAMES } from './flow.ts';
import { CONTINUE, END, type Step } from './steps.ts';
import { checkTemplate } from './template.ts';
import { TRIGGER_LIMITS } from './trigger.ts';

const LIMITS = TRIGGER_LIMITS;
const LABEL = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

/** Everything wrong with a flow, step by step. */
export function checkSteps(steps: readonly Step[], policy: TriggerPolicy): Violation[] {
  if (steps.length > LIMITS.steps.max) {
    return [violation('steps', 'TOO_LONG', `must be at most ${LIMITS.steps.max} steps`)];
  }
  const wrong: Violation[] = [];
  const bytes = Buffer.byteLength(JSON.stringify(steps));
  if (bytes > LIMITS.flow.bytes) {
    const message = `are ${bytes} bytes of JSON together; at most ${LIMITS.flow.bytes} (1 MB) are allowed`;
    wrong.push(violation('steps', 'TOO_LARGE', message));
  }
  const seen = new Set<string>();
  steps.forEach((step, i) => {
    const field = `steps[${i}]`;
    checkLabel(step.label, `${field}.label`, seen, wrong);
    checkStep(step, field, policy, wrong);
    if (step.kind === 'condition') {
      const later = steps.slice(i + 1).map(({ label }) => label);
      checkTarget(step.onTrue, `${field}.on_true`, later, wrong);
      checkTarget(step.onFalse, `${field}.on_false`, later, wrong);
    }
  });
  return wrong;
}

function checkLabel(label: string | null, field: string, seen: Set<string>, wrong: Violation[]): void {
  if (label === null) return;
  if (!LABEL.test(label) || label === CONTINUE || label === END) {
    const allowed = `must be 1 to ${LIMITS.steps.labelChars} of A-Z, a-z, 0-9 and _, not begin with a digit, and be neither continue nor end`;
    wrong.push(violation(field, 'INVALID_VALUE', allowed));
  } else if (seen.has(label)) {
    wrong.push(violation(field, 'INVALID_VALUE', 'is the label of another step'));
  }
  seen.add(label);
}

function checkTarget(target: string, field: string, later: readonly (string | null)[], wrong: Violation[]): void {
  if (target === CONTINUE || target === END || later.includes(target)) return;
  // Forward only: a flow that cannot go back comes to its end.
  wrong.push(violation(field, 'INVALID_VALUE', 'must be continue, end or the label of a later step'));
}

function checkStep(step: Step, field: string, policy: TriggerPolicy, wrong: Violation[]): void {
  switch (step.kind) {
    case 'condition': {
      const problem =
        step.expression.length > LIMITS.expression.max
          ? `must be at most ${LIMITS.expression.max} characters`
          : policy.conditionProblem(step.expression);
      if (problem !== null) wrong.push(violation(`${field}.expression`, 'INVALID_VALUE', problem));
      return;
    }
    case 'call_out':
      wrong.push(...checkEndpointUrl(step.url, policy, `${field}.url`));
      if (namesUser(step.url)) {
        const instead = 'must not hold a user or a password: put them into the header Authorization';
        wrong.push(violation(`${field}.url`, 'INVALID_VALUE', instead));
      }
      checkNumber(`${field}.timeout_seconds`, step.timeoutSeconds, LIMITS.callOutSeconds, wrong);
      return checkMessage(step.headers, step.body, field, wrong);
    case 'response':
      checkNumber(`${field}.status`, step.status, LIMITS.responseStatus, wrong);
      return checkMessage(step.headers, step.body, field, wrong);
    case 'end':
      return;
  }
}

/** It would be shown with every read, and not be sent. */
function namesUser(url: string): boolean {
  const { username, password } = URL.canParse(url) ? new URL(url) : { username: '', password: '' };
  return username !== '' || password !== '';
}

function checkMessage(headers: Readonly<Record<string, string>>, body: Json, field: string, wrong: Violation[]): void {
  wrong.push(...checkHeaders(`${field}.headers`, headers));
  if (Buffer.byteLength(JSON.stringify(body)) > LIMITS.responseBody.max) {
    wrong.push(violation(`${field}.body`, 'TOO_LARGE', `must be at most ${LIMITS.responseBody.max} bytes`));
    return;
  }
  let placeholders = 0;
  for (const [part, template] of [
    ['headers', Object.values(headers)],
    ['body', body],
  ] as const) {
    const checked = checkTemplate(template, SCOPE_NAMES);
    if (!checked.ok) wrong.push(violation(`${field}.${part}`, 'INVALID_VALUE', checked.error));
    else placeholders += checked.value;
  }
  if (placeholders > LIMITS.placeholders.max) {
    wrong.push(violation(field, 'TOO_LONG', `must use at most ${LIMITS.placeholders.max} variables`));
  }
}
