import type { ProfileName } from '../webhook/config.ts';
import { anycrawl } from './anycrawl.ts';
import { firecrawl } from './firecrawl.ts';
import { groupgm } from './groupgm.ts';
import type { Profile } from './profile.ts';
import { standard } from './standard.ts';
import { template } from './template.ts';

const PROFILES: Readonly<Record<ProfileName, Profile>> = { anycrawl, firecrawl, groupgm, template, standard };

/** Every profile there is; a new one is a file and a line here. */
export const profileOf = (name: ProfileName): Profile => PROFILES[name];

export const isProfileName = (name: string): name is ProfileName => Object.hasOwn(PROFILES, name);

export const PROFILE_NAMES = Object.keys(PROFILES) as readonly ProfileName[];
