import { describe, expect, it } from 'vitest';
import { BEHAVIOURS } from './ids.ts';
import { isComplete, proofsIn, tableOf } from './proofs.ts';

const IDS = Object.keys(BEHAVIOURS);
const test = (name: string) => ({ name, file: 'a.test.ts' });

describe('which tests prove what', () => {
  it('finds every id of a name once, in groups too', () => {
    const [first = '', second = ''] = IDS;
    const { byId, unknown } = proofsIn([test(`a group > ${first} ${second} ${first} does`), test('says nothing')]);
    expect([...byId.keys()]).toEqual([first, second]);
    expect(unknown).toEqual([]);
  });

  it('is complete when each id has a test, and not when a name carries an id that is none', () => {
    const all = IDS.map((id) => test(`${id} does`));
    expect(isComplete(proofsIn(all))).toBe(true);
    expect(tableOf(proofsIn(all)).split('\n').at(-1)).toBe(`${IDS.length} of ${IDS.length} ids proven`);
    expect(isComplete(proofsIn(all.slice(1)))).toBe(false);
    const stray = ['AC', '99'].join('-');
    const strayed = proofsIn([...all, test(`${stray} does`)]);
    expect(isComplete(strayed)).toBe(false);
    expect(tableOf(strayed)).toContain(`${stray} is no known id: a.test.ts: ${stray} does`);
  });
});
