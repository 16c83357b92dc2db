import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Any, AnySchema, anyPack, anyUnpack, DurationSchema } from '@bufbuild/protobuf/wkt';
import {
  BadRequestSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
} from '@grapnel/contracts/gen/google/rpc/error_details_pb';
import { StatusSchema } from '@grapnel/contracts/gen/google/rpc/status_pb';
import { status as Code, Metadata, type ServiceError } from '@grpc/grpc-js';

export { Code };

const CODES = new Map<number, Code>(
  Object.values(Code).flatMap((code) => (typeof code === 'number' ? [[code, code] as const] : [])),
);

/** A google.rpc.Code that came inside a message. */
export const codeOf = (number: number): Code => CODES.get(number) ?? Code.UNKNOWN;

/** One field of a request that is wrong. */
export interface FieldViolation {
  readonly field: string;
  readonly message: string;
  readonly code: string;
}

export interface RpcErrorDetails {
  /** Sent as `google.rpc.BadRequest`. */
  readonly violations?: readonly FieldViolation[];
  /** Sent as `google.rpc.RetryInfo`, milliseconds. */
  readonly retryAfterMs?: number;
  /** Sent as `google.rpc.ResourceInfo`. */
  readonly resource?: { readonly type: string; readonly name: string };
}

const DETAILS = 'grpc-status-details-bin';

/** A gRPC status with its details; thrown by handlers, and by clients for what a server answered. */
export class RpcError extends Error {
  readonly code: Code;
  readonly details: RpcErrorDetails;

  constructor(code: Code, message: string, details: RpcErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RpcError';
    this.code = code;
    this.details = details;
  }

  static invalid(violations: readonly FieldViolation[]): RpcError {
    const first = violations[0];
    const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : '';
    return new RpcError(Code.INVALID_ARGUMENT, `${first?.field} ${first?.message}${more}`, { violations });
  }

  static notFound(type: string, name: string): RpcError {
    return new RpcError(Code.NOT_FOUND, `${type} not found`, { resource: { type, name } });
  }

  static unavailable(message: string, retryAfterMs: number, options?: ErrorOptions): RpcError {
    return new RpcError(Code.UNAVAILABLE, message, { retryAfterMs }, options);
  }
}

/** What grpc-js sends for a thrown error: the code, the text, and `google.rpc.Status` in the trailer. */
export function toServiceError(error: RpcError): Partial<ServiceError> {
  const metadata = new Metadata();
  const details = packDetails(error.details);
  if (details.length > 0) {
    const status = create(StatusSchema, { code: error.code, message: error.message, details });
    metadata.set(DETAILS, Buffer.from(toBinary(StatusSchema, status)));
  }
  return { code: error.code, details: error.message, metadata };
}

/** What a client makes of grpc-js' error. */
export function fromServiceError(error: ServiceError): RpcError {
  const packed = error.metadata?.get(DETAILS)[0];
  const details = packed instanceof Uint8Array ? unpackDetails(fromBinary(StatusSchema, packed).details) : {};
  return new RpcError(error.code, error.details, details, { cause: error });
}

function packDetails({ violations, retryAfterMs, resource }: RpcErrorDetails): Any[] {
  const packed: Any[] = [];
  if (violations !== undefined) {
    const fieldViolations = violations.map(({ field, message, code }) => ({
      field,
      description: message,
      reason: code,
    }));
    packed.push(anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations })));
  }
  if (retryAfterMs !== undefined) {
    packed.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay: durationOf(retryAfterMs) })));
  }
  if (resource !== undefined) {
    const info = create(ResourceInfoSchema, { resourceType: resource.type, resourceName: resource.name });
    packed.push(anyPack(ResourceInfoSchema, info));
  }
  return packed;
}

function unpackDetails(packed: readonly Any[]): RpcErrorDetails {
  let details: RpcErrorDetails = {};
  for (const item of packed.map((any) => create(AnySchema, any))) {
    const bad = anyUnpack(item, BadRequestSchema);
    if (bad !== undefined) {
      const violations = bad.fieldViolations.map((v) => ({ field: v.field, message: v.description, code: v.reason }));
      details = { ...details, violations };
    }
    const retry = anyUnpack(item, RetryInfoSchema)?.retryDelay;
    if (retry !== undefined) details = { ...details, retryAfterMs: Number(retry.seconds) * 1_000 + retry.nanos / 1e6 };
    const resource = anyUnpack(item, ResourceInfoSchema);
    if (resource !== undefined) {
      details = { ...details, resource: { type: resource.resourceType, name: resource.resourceName } };
    }
  }
  return details;
}

export function durationOf(ms: number) {
  return create(DurationSchema, { seconds: BigInt(Math.floor(ms / 1_000)), nanos: Math.round((ms % 1_000) * 1e6) });
}
