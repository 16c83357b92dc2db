import { describe, expect, it } from 'vitest';
import { crossingImports } from './import-walls.ts';

describe('import walls', () => {
  it('finds relative imports that leave their package', () => {
    const source = [
      "import { a } from './a.ts';",
      "import type { b } from '../b.ts';",
      "import {\n  c,\n} from '../../../projector/src/c.ts';",
      ['const d = await import', "('../../../../packages/domain/src/d.ts');"].join(''),
      "export const e = new URL('../../../../elsewhere', import.meta.url);",
      "import { e } from '@grapnel/domain/e';",
    ].join('\n');
    expect(crossingImports('services/ingest/src/http/x.ts', source)).toEqual([
      '../../../projector/src/c.ts',
      '../../../../packages/domain/src/d.ts',
    ]);
  });

  it('leaves programs outside packages and services alone', () => {
    expect(crossingImports('test/e2e/x.ts', "import '../../packages/x/src/y.ts'")).toEqual([]);
  });
});
