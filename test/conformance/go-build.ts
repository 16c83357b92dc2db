import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectCacheDir } from '@grapnel/embedded/project-cache';
import { INSTALL_TIMEOUT_MS, installedProgramOf } from './tools.ts';

/** Where Go is missing it is installed; and compiling the standard library for the first time takes a while. */
export const GO_BUILD_TIMEOUT_MS = 300_000 + INSTALL_TIMEOUT_MS;

/** Builds the module in `folder` with nothing but the standard library and nothing from the network. */
export async function goBuild(folder: string): Promise<string> {
  const binary = join(folder, 'receiver-under-test');
  const go = await installedProgramOf('go');
  await promisify(execFile)(go, ['build', '-o', binary, '.'], {
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
