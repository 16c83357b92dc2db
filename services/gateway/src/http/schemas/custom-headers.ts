import { LIMITS } from '@grapnel/domain/webhook/config';
import { z } from 'zod';
import { wrong } from './fields.ts';

const { max, valueChars } = LIMITS.customHeaders;

/**
 * Names and values as they were sent; which of them are legal is the domain's to say. Not a `z.record`, which would
 * pass over a name like `__proto__` in silence.
 */
export const CustomHeaders = z
  .custom<Record<string, string>>()
  .check((context) => {
    const { value } = context as { readonly value: unknown };
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      wrong(context, 'INVALID_TYPE', 'must be a JSON object');
      return;
    }
    const headers = Object.entries(value);
    if (headers.length > max) {
      wrong(context, 'TOO_LONG', `must be at most ${max} headers`);
      return;
    }
    for (const [name, text] of headers) {
      if (name === '__proto__') wrong(context, 'INVALID_VALUE', 'cannot be a header here', [name]);
      else if (typeof text !== 'string') wrong(context, 'INVALID_TYPE', 'must be a string', [name]);
      else if (text.length > valueChars) wrong(context, 'TOO_LONG', `must be at most ${valueChars} characters`, [name]);
    }
  })
  .meta({ type: 'object', maxProperties: max, additionalProperties: { type: 'string', maxLength: valueChars } });
