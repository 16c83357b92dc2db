import { type Json, parseJsonText } from '../json.ts';

/** {@link BodyContext.value} for an event's data, which was checked when the event was accepted. */
export function parsedOnce(data: string): () => Json {
  let value: Json | undefined;
  return () => {
    if (value === undefined) {
      const parsed = parseJsonText(data);
      value = parsed.ok ? parsed.value : null;
    }
    return value;
  };
}
