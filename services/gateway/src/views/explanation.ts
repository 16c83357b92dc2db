import { type Explanation, Explanation_Verdict } from '@grapnel/contracts/gen/grapnel/subscription/v1/webhook_pb';
import type { z } from 'zod';
import type { Explanation as ExplanationSchema } from '../http/schemas/event.ts';

type ExplanationJson = z.output<typeof ExplanationSchema>;

export function explanationJson({ webhookId, verdict, reason }: Explanation): ExplanationJson {
  return { webhook_id: webhookId, verdict: verdictName(verdict), reason };
}

function verdictName(verdict: Explanation_Verdict): ExplanationJson['verdict'] {
  switch (verdict) {
    case Explanation_Verdict.MATCHED:
      return 'matched';
    case Explanation_Verdict.FILTERED_BY_TYPE:
      return 'filtered_by_type';
    case Explanation_Verdict.FILTERED_BY_SCOPE:
      return 'filtered_by_scope';
    case Explanation_Verdict.FILTERED_BY_JOB:
      return 'filtered_by_job';
    case Explanation_Verdict.FILTERED_BY_TAGS:
      return 'filtered_by_tags';
    case Explanation_Verdict.FILTERED_BY_CONDITION:
      return 'filtered_by_condition';
    case Explanation_Verdict.INACTIVE:
      return 'inactive';
    default:
      throw new Error(`an explanation came with the unknown verdict ${verdict}`);
  }
}
