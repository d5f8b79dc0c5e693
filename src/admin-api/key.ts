import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { Problem } from './problem';
import { IsText } from './text';
import { IsTime, isoTime, isoTimeOrNull, parseTime } from './time';

/** What every key of Scimify is made with: those of identity providers and those of admins. */
export class KeyInput {
  @ApiProperty({ example: 'Okta' })
  @IsText(1, 200)
  name: string;

  @ApiPropertyOptional({
    description:
      'In the future, and no later than the end of the key that makes it. Never, when left out: only a key that does not expire makes such a one',
  })
  @IsOptional()
  @IsTime()
  expiresAt?: string;
}

/** Of every kind of key the token begins with another word. */
export const KeyPrefix = (kind: 'scim' | 'admin') =>
  ApiProperty({ example: `scimify_${kind}_Ab3dEf`, description: 'The beginning of the token' });

/** A key as it is shown: never with its token; its prefix is shown with it. */
export class KeyView {
  @ApiProperty({ format: 'uuid' }) id: string;
  @ApiProperty({ example: 'Okta' }) name: string;
  @ApiProperty({ format: 'date-time' }) createdAt: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) expiresAt: string | null;
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'Written at most once a minute',
  })
  lastUsedAt: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) revokedAt: string | null;
}

interface Key {
  id: string;
  name: string;
  prefix: string;
  createdAt: number;
  expiresAt: number | null;
  lastUsedAt: number | null;
  revokedAt: number | null;
}

export function presentKey(key: Key): KeyView & Pick<Key, 'prefix'> {
  return {
    id: key.id,
    name: key.name,
    prefix: key.prefix,
    createdAt: isoTime(key.createdAt),
    expiresAt: isoTimeOrNull(key.expiresAt),
    lastUsedAt: isoTimeOrNull(key.lastUsedAt),
    revokedAt: isoTimeOrNull(key.revokedAt),
  };
}

/**
 * @param maker the key that makes it
 * @returns epoch milliseconds, null for a key that does not expire
 * @throws Problem 400 for a time that has passed, since such a key would never work, and for one after the end of the maker
 */
export function expiryOf({ expiresAt }: KeyInput, maker: Pick<Key, 'expiresAt'>): number | null {
  const time = expiresAt === undefined ? null : parseTime(expiresAt);
  if (time !== null && time <= Date.now()) throw invalidExpiry('must be a time in the future');
  if (maker.expiresAt !== null && (time === null || time > maker.expiresAt)) {
    const end = isoTime(maker.expiresAt);
    throw invalidExpiry(
      `must be given, and be no later than ${end}: your own key expires then, and no key that it makes may outlive it`,
    );
  }
  return time;
}

function invalidExpiry(message: string): Problem {
  return Problem.invalid([{ field: 'expiresAt', message }]);
}

/** Whether a key may be used. */
export function isLive({ revokedAt, expiresAt }: Pick<Key, 'revokedAt' | 'expiresAt'>): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > Date.now());
}
