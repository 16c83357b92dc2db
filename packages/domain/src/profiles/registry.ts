import type { ProfileName } from '../webhook/config.ts';
import { anycrawl } from './anycrawl.ts';
import type { Profile } from './profile.ts';

const PROFILES: Readonly<Record<ProfileName, Profile>> = { anycrawl };

/** Every profile there is; a new one is a file and a line here. */
export const profileOf = (name: ProfileName): Profile => PROFILES[name];

export const isProfileName = (name: string): name is ProfileName => Object.hasOwn(PROFILES, name);
