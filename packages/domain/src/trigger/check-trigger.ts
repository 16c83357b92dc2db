import { type Violation, violation } from '../violation.ts';
import { checkSteps } from './check-steps.ts';
import { checkHeaders, checkNumber, checkText, type TriggerPolicy } from './field-checks.ts';
import { parsePath } from './path.ts';
import { type FixedResponse, type Mapped, TRIGGER_LIMITS, type TriggerChanges, type TriggerConfig } from './trigger.ts';

const LIMITS = TRIGGER_LIMITS;

/** Everything wrong with a complete configuration; `given` limits the checks to what the caller has said. */
export function checkTrigger(config: TriggerConfig, given: TriggerChanges, policy: TriggerPolicy): Violation[] {
  const wrong: Violation[] = [];
  if ('name' in given) checkText('name', config.name, LIMITS.name, wrong);
  if ('description' in given) checkText('description', config.description ?? '', LIMITS.description, wrong);
  if ('auth' in given && config.auth !== null) checkUsername(config.auth.username, wrong);
  if ('mapping' in given) {
    const { headers, query, body } = config.mapping;
    checkMapped('mapping.headers', headers, headerProblem, wrong);
    checkMapped('mapping.query', query, pathProblem, wrong);
    checkMapped('mapping.body', body, pathProblem, wrong);
  }
  if ('response' in given) checkResponse(config.response, wrong);
  if ('timeoutSeconds' in given) checkNumber('timeout_seconds', config.timeoutSeconds, LIMITS.timeoutSeconds, wrong);
  if ('steps' in given) wrong.push(...checkSteps(config.steps, policy));
  return wrong;
}

/** A password in the clear, before it is sealed. */
export function checkPassword(password: string, field: string): Violation[] {
  const wrong: Violation[] = [];
  checkText(field, password, LIMITS.password, wrong);
  return wrong;
}

function checkUsername(username: string, wrong: Violation[]): void {
  checkText('basic_auth.username', username, LIMITS.username, wrong);
  // RFC 7617: the colon ends the name.
  if (/[:\p{Cc}]/u.test(username)) {
    wrong.push(violation('basic_auth.username', 'INVALID_VALUE', 'must not contain a colon or control characters'));
  }
}

function checkMapped(
  field: string,
  mapped: readonly Mapped[],
  problemOf: (path: string) => string | null,
  wrong: Violation[],
): void {
  if (mapped.length > LIMITS.mapped.max) {
    wrong.push(violation(field, 'TOO_LONG', `must be at most ${LIMITS.mapped.max} entries`));
    return;
  }
  const names = new Set<string>();
  mapped.forEach(({ path, alias }, i) => {
    const problem = problemOf(path);
    if (problem !== null) wrong.push(violation(`${field}[${i}].path`, 'INVALID_VALUE', problem));
    if (alias !== null && !ALIAS.test(alias)) {
      const allowed = `must be 1 to ${LIMITS.mapped.aliasChars} letters, digits, _ and -, and begin with a letter or _`;
      wrong.push(violation(`${field}[${i}].alias`, 'INVALID_VALUE', allowed));
    }
    const name = alias ?? path;
    if (names.has(name)) {
      wrong.push(violation(`${field}[${i}]`, 'INVALID_VALUE', 'has the same name as another variable of this list'));
    }
    names.add(name);
  });
}

const ALIAS = /^[\p{L}_][\p{L}\p{M}\p{N}_-]{0,63}$/u;

const headerProblem = (name: string): string | null =>
  /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/.test(name) ? null : 'must be a header name: 1 to 128 letters, digits and -';

const pathProblem = (path: string): string | null => {
  const parsed = parsePath(path);
  return parsed.ok ? null : parsed.error;
};

function checkResponse({ status, headers, body }: FixedResponse, wrong: Violation[]): void {
  checkNumber('response.status', status, LIMITS.responseStatus, wrong);
  wrong.push(...checkHeaders('response.headers', headers));
  if (Buffer.byteLength(body) > LIMITS.responseBody.max) {
    wrong.push(violation('response.body', 'TOO_LARGE', `must be at most ${LIMITS.responseBody.max} bytes`));
  }
}
