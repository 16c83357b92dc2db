import type { Profile } from './profile.ts';

/**
 * What a webhook of this profile subscribes to: for profiles with types of their own, full names, what follows a type's
 * first dot, and `*` all stand for types of the profile (FC-05). Names that stand for none stay, to be refused.
 */
export function expandEventTypes({ eventTypes: own }: Profile, given: readonly string[]): string[] {
  if (own === null) return [...new Set(given)];
  return [
    ...new Set(
      given.flatMap((name) => {
        const meant = own.filter((type) => name === '*' || type === name || type.slice(type.indexOf('.') + 1) === name);
        return meant.length > 0 ? meant : [name];
      }),
    ),
  ];
}
