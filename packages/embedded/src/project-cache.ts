import { fileURLToPath } from 'node:url';

/** Where fetched binaries are kept between runs: `.cache` in the repository, which git ignores. */
export const projectCacheDir = fileURLToPath(new URL('../../../.cache', import.meta.url));
