import { z } from 'zod';

/** For calls that take no settings: an empty body or `{}`. What would be passed over in silence is refused. */
export const NoBody = z.strictObject({}).optional();
