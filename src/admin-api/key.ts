import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { Problem } from './problem';
import { IsText } from './text';
import { IsTime, isoTime, isoTimeOrNull, parseTime } from './time';

/** Input for SCIM keys and admin keys. */
export class KeyInput {
  @ApiProperty({ example: 'Okta' })
  @IsText(1, 200)
  name: string;

  @ApiPropertyOptional({
    description:
      'A time in the future. If omitted, the new key does not expire. A key that expires can only create keys that expire no later than itself',
  })
  @IsOptional()
  @IsTime()
  expiresAt?: string;
}

/** The tokens of each kind of key have their own prefix. */
export const KeyPrefix = (kind: 'scim' | 'admin') =>
  ApiProperty({ example: `scimify_${kind}_Ab3dEf`, description: 'The first characters of the token' });

/** Never contains the token. Each kind of key adds its `prefix`. */
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
 * @param maker the key that creates the new key
 * @returns epoch milliseconds, null for a key that does not expire
 * @throws Problem 400 for a time in the past (such a key would never work) or after the end of the maker
 */
export function expiryOf({ expiresAt }: KeyInput, maker: Pick<Key, 'expiresAt'>): number | null {
  const time = expiresAt === undefined ? null : parseTime(expiresAt);
  if (time !== null && time <= Date.now()) throw invalidExpiry('must be a time in the future');
  if (maker.expiresAt !== null && (time === null || time > maker.expiresAt)) {
    const end = isoTime(maker.expiresAt);
    throw invalidExpiry(
      `must be set to ${end} or earlier, because your own key expires then and the new key may not live longer`,
    );
  }
  return time;
}

function invalidExpiry(message: string): Problem {
  return Problem.invalid([{ field: 'expiresAt', message }]);
}

/** False for a revoked or expired key. */
export function isLive({ revokedAt, expiresAt }: Pick<Key, 'revokedAt' | 'expiresAt'>): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > Date.now());
}
