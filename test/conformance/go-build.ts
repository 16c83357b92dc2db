import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectCacheDir } from '@grapnel/embedded/project-cache';
import { programOf } from './tools.ts';

/** Compiling the standard library for the first time takes a while on a small machine. */
export const GO_BUILD_TIMEOUT_MS = 300_000;

/** Builds the module in `folder` with nothing but the standard library and nothing from the network. */
export async function goBuild(folder: string): Promise<string> {
  const binary = join(folder, 'receiver-under-test');
  await promisify(execFile)(programOf('go'), ['build', '-o', binary, '.'], {
    cwd: folder,
    env: {
      ...process.env,
      CGO_ENABLED: '0',
      GO111MODULE: 'on',
      GOCACHE: join(projectCacheDir, 'go-build'),
      GOENV: 'off',
      GOFLAGS: '-mod=mod',
      GOPATH: join(folder, 'path'),
      GOPROXY: 'off',
      GOTOOLCHAIN: 'local',
      GOWORK: 'off',
    },
    timeout: GO_BUILD_TIMEOUT_MS,
  });
  return binary;
}
