import { createHash, createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { MoreThan, type Repository } from 'typeorm';
import { isUniqueViolation } from '../../database/database-errors';
import type { Transaction } from '../../database/transaction-runner';
import { SecretBox } from '../../security/secret-box';
import { Problem } from '../problem';
import { IdempotencyKey } from './idempotency-key.entity';
import type { CreationRequest } from './idempotency-key';

const KEPT_MS = 24 * 60 * 60_000;

/**
 * Says within the transaction of a creation what it makes, so that the one is never recorded without the other.
 *
 * @throws CreatedMeanwhileError
 */
export type CreationClaim = (tx: Transaction, resourceId: string) => Promise<void>;

const UNCLAIMED: CreationClaim = () => Promise.resolve();

/** The same request, sent at the same time, was faster. */
class CreatedMeanwhileError extends Error {}

/** Makes of a creation that is asked for twice one thing. */
@Injectable()
export class IdempotentCreations {
  constructor(
    @InjectRepository(IdempotencyKey) private readonly keys: Repository<IdempotencyKey>,
    private readonly secrets: SecretBox,
  ) {}

  /**
   * @param caller whose keys these are: two callers may choose the same
   * @param create has to claim what it makes
   * @param replay answers with what was made before
   * @throws Problem 422 for a key that came with another body before
   */
  async once<T>(
    request: CreationRequest,
    caller: string,
    create: (claim: CreationClaim) => Promise<T>,
    replay: (resourceId: string) => Promise<T>,
  ): Promise<T> {
    const { key, route, body } = request;
    if (key === null) return create(UNCLAIMED);
    const requestHash = createHash('sha256')
      .update(JSON.stringify([caller, route, key]))
      .digest('hex');
    const [bodyHash, ...formerHashes] = this.hashes(canonical(body));
    const resourceOf = (earlier: IdempotencyKey): string => {
      if ([bodyHash, ...formerHashes].includes(earlier.body)) return earlier.resourceId;
      throw new Problem('idempotency_key_reused');
    };
    const earlier = await this.find(requestHash);
    if (earlier) return replay(resourceOf(earlier));
    try {
      return await create((tx, resourceId) =>
        record(tx, { request: requestHash, body: bodyHash, resourceId, createdAt: Date.now() }),
      );
    } catch (error) {
      const meanwhile = error instanceof CreatedMeanwhileError ? await this.find(requestHash) : null;
      if (!meanwhile) throw error;
      return replay(resourceOf(meanwhile));
    }
  }

  /** @returns that of a new body first, then those which it would have had before the encryption key was rotated */
  private hashes(body: string): [string, ...string[]] {
    const hash = (key: Buffer) => createHmac('sha256', key).update(body).digest('hex');
    const [first, ...others] = this.secrets.derive('idempotency');
    return [hash(first), ...others.map(hash)];
  }

  private find(request: string): Promise<IdempotencyKey | null> {
    return this.keys.findOneBy({ request, createdAt: MoreThan(Date.now() - KEPT_MS) });
  }
}

async function record(tx: Transaction, row: IdempotencyKey): Promise<void> {
  await tx.query('DELETE FROM idempotency_key WHERE createdAt <= ?', [row.createdAt - KEPT_MS]);
  try {
    await tx.manager.insert(IdempotencyKey, row);
  } catch (error) {
    throw isUniqueViolation(error) ? new CreatedMeanwhileError() : error;
  }
}

/** The same text for bodies that say the same, in whatever order. */
function canonical(body: unknown): string {
  return JSON.stringify(body ?? null, (_, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
