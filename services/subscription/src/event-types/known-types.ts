import { BUILT_IN, CATALOGUE, familiesOf } from '@grapnel/domain/catalogue';
import { eventTypeIdOf, type RegisteredType } from '@grapnel/domain/event-type/event-type';
import type { EventTypes } from '@grapnel/domain/event-type/event-types';
import { sampleOf } from '@grapnel/domain/event-type/samples';
import { DEPLOYMENT } from '@grapnel/domain/ids';
import type { Json } from '@grapnel/domain/json';
import type { Records } from '../records.ts';

/** A type as tenants see it, built in or registered. */
export interface ShownType {
  readonly name: string;
  readonly category: string;
  readonly description: string;
  readonly version: number;
  readonly example: Json;
  readonly schema: string | null;
}

/** The built-in types and those that operators have registered; archived ones are not among them. */
export class KnownTypes implements EventTypes {
  readonly #records: Records<RegisteredType>;

  constructor(records: Records<RegisteredType>) {
    this.#records = records;
  }

  has(type: string): boolean {
    return BUILT_IN.has(type) || this.#registered(type) !== null;
  }

  hasFamily(family: string): boolean {
    return BUILT_IN.hasFamily(family) || this.registered().some(({ name }) => familiesOf(name).includes(family));
  }

  isArchived(type: string): boolean {
    return !this.has(type) && this.all().some(({ name }) => name === type);
  }

  /** Whether events of a type, of a `family.*` or of `*` can be in the history: archived ones too. */
  hasEverHad(pattern: string): boolean {
    if (pattern === '*' || this.has(pattern) || this.isArchived(pattern)) return true;
    const family = pattern.endsWith('.*') ? pattern.slice(0, -2) : null;
    if (family === null) return false;
    return BUILT_IN.hasFamily(family) || this.all().some(({ name }) => familiesOf(name).includes(family));
  }

  /** By name. */
  registered(): RegisteredType[] {
    return this.all().filter(({ archived }) => !archived);
  }

  /** Archived ones too, by name. */
  all(): RegisteredType[] {
    const types = this.#records.of(DEPLOYMENT).map(({ state }) => state);
    return types.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** As tenants see them: the built-in ones first. */
  shown(): ShownType[] {
    const builtIn = CATALOGUE.map(({ name, category, description }) => ({
      ...{ name, category, description },
      version: 1,
      example: sampleOf(name),
      schema: null,
    }));
    return [...builtIn, ...this.registered()];
  }

  /** What `data` of a type looks like; `null` where there is no such type. */
  exampleOf(type: string): { readonly example: Json } | null {
    if (BUILT_IN.has(type)) return { example: sampleOf(type) };
    const registered = this.#registered(type);
    return registered === null ? null : { example: registered.example };
  }

  #registered(type: string): RegisteredType | null {
    const found = this.#records.find(DEPLOYMENT, eventTypeIdOf(type));
    return found === null || found.state.archived || found.state.name !== type ? null : found.state;
  }
}
