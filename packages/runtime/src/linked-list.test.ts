import { describe, expect, it } from 'vitest';
import { type Linked, LinkedList } from './linked-list.ts';

class Item implements Linked {
  readonly name: string;
  previous: this | null = null;
  next: this | null = null;

  constructor(name: string) {
    this.name = name;
  }
}

describe('a linked list', () => {
  const filled = (...names: string[]) => {
    const list = new LinkedList<Item>();
    const items = names.map((name) => new Item(name));
    for (const item of items) list.add(item);
    return { list, items, names: () => [...list].map(({ name }) => name) };
  };

  it.each([
    [0, ['b', 'c']],
    [1, ['a', 'c']],
    [2, ['a', 'b']],
  ])('gives up its item %i and keeps the order of the rest', (at, left) => {
    const { list, items, names } = filled('a', 'b', 'c');
    list.remove(items[at] as Item);
    expect(names()).toEqual(left);
    expect(list.size).toBe(2);
    expect(list.first?.name).toBe(left[0]);
    list.add(items[at] as Item);
    expect(names()).toEqual([...left, ['a', 'b', 'c'][at]]);
  });

  it('may lose items while it is gone through', () => {
    const { list, names } = filled('a', 'b', 'c');
    for (const item of list) if (item.name !== 'c') list.remove(item);
    expect(names()).toEqual(['c']);
    for (const item of list) list.remove(item);
    expect([list.size, list.first]).toEqual([0, null]);
  });
});
