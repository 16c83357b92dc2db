/** A pull that brings nothing ends after so long, so that one the server has forgotten is soon made again. */
export const PULL_MS = 4_000;
/** Past its end by so much, a pull is lost: the server was restarted, or the connection. */
export const LOST_AFTER_MS = 1_000;
/** The largest message fits; asked for alone, when the next one is larger than its pull allowed. */
export const LARGEST_BYTES = 10 * 1_048_576;

/** Ways in which the server ends a pull that are no trouble: its time is up, there is nothing, it is full. */
export const isOrdinaryEnd = (code: number, text: string): boolean =>
  code === 408 || code === 404 || (code === 409 && /maxbytes|batch completed/i.test(text));

/** The next message is larger than the pull allowed. */
export const isTooLarge = (code: number, text: string): boolean => code === 409 && /maxbytes/i.test(text);

/** Where a consumer is asked for messages. */
export const nextSubject = (stream: string, consumer: string): string =>
  `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
