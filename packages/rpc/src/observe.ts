import type { DescMethod } from '@bufbuild/protobuf';
import { systemClock } from '@grapnel/runtime/clock';
import { histogram } from '@grapnel/runtime/instruments';
import { Code, RpcError } from './errors.ts';

const duration = histogram('rpc.server.duration', {
  description: 'Time from a call to its end; for streams, how long they lasted.',
  unit: 'ms',
});

/** Times a call by method and status code. */
export async function observeCall<T>(method: DescMethod, work: () => Promise<T>): Promise<T> {
  const began = systemClock.monotonic();
  let code: Code = Code.OK;
  try {
    return await work();
  } catch (error) {
    code = error instanceof RpcError ? error.code : Code.INTERNAL;
    throw error;
  } finally {
    duration.record(systemClock.monotonic() - began, {
      'rpc.system': 'grpc',
      'rpc.service': method.parent.typeName,
      'rpc.method': method.name,
      'rpc.grpc.status_code': code,
    });
  }
}
