import { setFlagsFromString } from 'node:v8';

export const EVERY_OBJECT_YOUNG = '--no-allocation-site-pretenuring';

/**
 * Tells V8 to make every object young. By itself it learns, from a burst whose objects lived long, to make the objects of such
 * places old from the start; from then on each of them, dead within milliseconds, keeps all that it refers to alive until the next
 * full collection, and every small collection copies that (docs/adr/0024-every-object-young.md).
 *
 * The flag is read whenever V8 decides about such a place, so it may be set while the process runs; before much has run is best.
 */
export function makeEveryObjectYoung(): void {
  setFlagsFromString(EVERY_OBJECT_YOUNG);
}
