import { describe, expect, it } from 'vitest';
import { programOf, testedTools } from './tools.ts';

describe('tools of other languages', () => {
  it('are all tested unless told otherwise', () => {
    expect(testedTools({})).toEqual(['python', 'go']);
    expect(testedTools({ GRAPNEL_TEST_WITHOUT: 'go' })).toEqual(['python']);
    expect(testedTools({ GRAPNEL_TEST_WITHOUT: ' go, python ' })).toEqual([]);
  });

  it('are not left out by a typing error', () => {
    expect(() => testedTools({ GRAPNEL_TEST_WITHOUT: 'golang' })).toThrow('it may name python and go');
  });

  it('say what to do when they are missing', () => {
    expect(() => programOf('go', { PATH: '' })).toThrow(/^go was not found: install Go .*GRAPNEL_TEST_WITHOUT=go$/);
  });
});
