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
 * Records the created resource inside the transaction of its creation, so both are committed or neither.
 *
 * @throws CreatedMeanwhileError
 */
export type CreationClaim = (tx: Transaction, resourceId: string) => Promise<void>;

const UNCLAIMED: CreationClaim = () => Promise.resolve();

/** A parallel request with the same key committed first. */
class CreatedMeanwhileError extends Error {}

/** Creates one resource for repeated creation requests. */
@Injectable()
export class IdempotentCreations {
  constructor(
    @InjectRepository(IdempotencyKey) private readonly keys: Repository<IdempotencyKey>,
    private readonly secrets: SecretBox,
  ) {}

  /**
   * @param caller owner of the key, because two callers may choose the same key
   * @param create must claim the resource that it creates
   * @param replay returns the resource of the earlier request
   * @throws Problem 422 if an earlier request used the key with another body
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

  /** @returns the hash with the current encryption key, then the hashes with the previous keys */
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

/** Gives the same text for bodies that differ only in the order of their fields. */
function canonical(body: unknown): string {
  return JSON.stringify(body ?? null, (_, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
