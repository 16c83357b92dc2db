import { type DescMessage, type DescMethod, type DescService, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';

/** A protobuf-es service as grpc-js wants it: paths and codecs by method. */
export function serviceDefinition(service: DescService): ServiceDefinition {
  return Object.fromEntries(service.methods.map((method) => [method.localName, methodDefinition(method)]));
}

// grpc-js types requests and responses as any.
// oxlint-disable-next-line typescript/no-explicit-any
export function methodDefinition(method: DescMethod): MethodDefinition<any, any> {
  const { methodKind: kind } = method;
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: kind === 'client_streaming' || kind === 'bidi_streaming',
    responseStream: kind === 'server_streaming' || kind === 'bidi_streaming',
    ...codec('request', method.input),
    ...codec('response', method.output),
  } as MethodDefinition<unknown, unknown>;
}

function codec(side: 'request' | 'response', schema: DescMessage) {
  return {
    [`${side}Serialize`]: (message: never): Buffer => {
      const bytes = toBinary(schema, message);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    [`${side}Deserialize`]: (bytes: Buffer) => fromBinary(schema, bytes),
  };
}
