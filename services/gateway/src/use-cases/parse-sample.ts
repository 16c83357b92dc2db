import { parseJsonText } from '@grapnel/domain/json';
import { err, ok, type Result } from '@grapnel/domain/result';
import { samplePaths } from '@grapnel/domain/trigger/sample-paths';
import { queryOf, queryStructure } from '@grapnel/http-edge/query-structure';

export interface ParsedSample {
  readonly source: 'query' | 'body';
  readonly paths: string[];
}

/** NB-05: whatever was pasted, JSON, a URL or its query string, as the paths that can be mapped. */
export function parseSample(sample: string): Result<ParsedSample, string> {
  const text = sample.trim();
  if (/^[{[]/.test(text)) {
    const parsed = parseJsonText(text);
    return parsed.ok ? ok({ source: 'body', paths: samplePaths(parsed.value, 'body') }) : err(parsed.error);
  }
  // A URL without a query has no parameters; its path is not one.
  const query = text.includes('?') ? queryOf(text) : URL.canParse(text) ? '' : text;
  return ok({ source: 'query', paths: samplePaths(queryStructure(query), 'query') });
}
