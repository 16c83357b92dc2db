import { type DescFile, type DescService, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';

type Package = ConstructorParameters<typeof ReflectionService>[0];

/** Lets grpcurl and the like ask which services there are: all but health and reflection themselves. */
export function addReflection(server: Server, services: readonly DescService[]): void {
  const files = new Map<string, Buffer>();
  for (const service of services) collect(service.file, files);
  const described = { fileDescriptorProtos: [...files.values()] };
  new ReflectionService({ grapnel: described } as unknown as Package).addToServer(server);
}

function collect(file: DescFile, into: Map<string, Buffer>): void {
  if (into.has(file.name)) return;
  into.set(file.name, Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)));
  for (const dependency of file.dependencies) collect(dependency, into);
}
