import type { NewMessage } from '@grapnel/contracts/message';
import type { Linked } from '@grapnel/runtime/linked-list';
import type { Stored } from './ports.ts';

/** A message whose answer is awaited. */
export class Outstanding implements Linked {
  readonly message: NewMessage;
  /** Monotonic. */
  readonly deadline: number;
  readonly resolve: (stored: Stored) => void;
  readonly reject: (error: Error) => void;
  /** Where it is in the table, and which of those that were there before and after it: the answer says both. */
  readonly slot: number;
  readonly token: string;
  /** Answered, or given up. */
  isOver = false;
  /** The atomic batch that it ends, itself included: its answer is for all of them. */
  batch: readonly Outstanding[] | null = null;
  previous: this | null = null;
  next: this | null = null;

  constructor(
    message: NewMessage,
    deadline: number,
    place: { readonly slot: number; readonly number: number },
    settle: Pick<Outstanding, 'resolve' | 'reject'>,
  ) {
    this.message = message;
    this.deadline = deadline;
    this.slot = place.slot;
    this.token = `${place.slot}-${place.number}`;
    this.resolve = settle.resolve;
    this.reject = settle.reject;
  }
}
