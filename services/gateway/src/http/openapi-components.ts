const REFERENCE = /"#\/components\/schemas\/([^"]+)"/g;

/**
 * The document without component schemas that nothing refers to: the generator writes each twice, as read and as
 * written, and most are used one way only.
 */
export function referenced<T extends object>(document: T): T {
  const { components, ...rest } = document as T & { components?: { schemas?: Record<string, unknown> } };
  const schemas = components?.schemas ?? {};
  const used = new Set<string>();
  const visit = (value: unknown): void => {
    for (const [, name = ''] of JSON.stringify(value).matchAll(REFERENCE)) {
      if (used.has(name) || schemas[name] === undefined) continue;
      used.add(name);
      visit(schemas[name]);
    }
  };
  visit(rest);
  const kept = Object.fromEntries(Object.entries(schemas).filter(([name]) => used.has(name)));
  return { ...rest, components: { ...components, schemas: kept } } as unknown as T;
}
