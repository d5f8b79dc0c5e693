import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { InjectDataSource } from '@nestjs/typeorm';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type DataSource, MoreThan } from 'typeorm';
import type { Transaction } from '../../database/transaction-runner';
import type { ChangeContext } from '../../directory/change-context';
import { SETTINGS, type Settings } from '../../config/settings';
import { ScimKey } from '../../integrations/scim-keys/scim-key.entity';
import { ScimKeys, type VerifiedScimKey } from '../../integrations/scim-keys/scim-keys.service';
import { FailedAuthentications } from '../../security/failed-authentications';
import { RateLimits } from '../../security/rate-limits';
import { ScimError } from '../messages/scim-error';
import type { ScanBudget } from '../resources/scan';
import { scimRouteOf } from './scim-route';

/** The integration that a SCIM request acts for, and the base URL of its resources. */
export interface ScimCaller {
  context: ChangeContext;
  /** How the target compares group names, and which user attributes it needs. */
  target: VerifiedScimKey['target'];
  /** Without a trailing slash. */
  baseUrl: string;
  /** Shared limit for all searches of one request. Without it, each search has its own limit. */
  scan?: ScanBudget;
}

export type ScimFastifyRequest = FastifyRequest & {
  scim?: ScimCaller;
  /** Set if the response is an error. */
  refusal?: ScimError;
};

/** The key is missing, wrong, expired, revoked or of another integration. All cases get the same answer. */
export class ScimUnauthenticatedError extends ScimError {
  constructor() {
    super(
      401,
      undefined,
      'The SCIM key is not valid for this URL; copy the URL and the key from Scimify into the identity provider again.',
    );
  }
}

/** The key is valid, but an admin disabled its integration. */
export class ScimDisabledError extends ScimError {
  constructor() {
    super(
      403,
      undefined,
      'This integration is disabled in Scimify: changes are not accepted until an admin enables or pauses it.',
    );
  }
}

/** Checks the SCIM key of every request below `/scim/v2`, before its body is read. */
@Injectable()
export class ScimAuthentication implements OnModuleInit {
  private readonly failures: FailedAuthentications;

  constructor(
    private readonly keys: ScimKeys,
    private readonly limits: RateLimits,
    private readonly adapters: HttpAdapterHost,
    @Inject(SETTINGS) private readonly settings: Settings,
    @InjectDataSource() reader: DataSource,
  ) {
    this.failures = new FailedAuthentications((afterId, limit) =>
      reader.getRepository(ScimKey).find({
        select: { id: true, tokenHash: true },
        where: { id: MoreThan(afterId) },
        order: { id: 'ASC' },
        take: limit,
      }),
    );
  }

  onModuleInit(): void {
    const fastify = this.adapters.httpAdapter.getInstance<FastifyInstance>();
    fastify.addHook('onRequest', async (request: ScimFastifyRequest) => {
      const route = scimRouteOf(request);
      if (route) await this.authenticate(request, route.integrationId);
    });
  }

  /**
   * @throws ScimError 401, or 403 for an integration that an admin disabled
   * @throws TooManyRequestsError
   */
  private async authenticate(request: ScimFastifyRequest, integrationId: string): Promise<void> {
    const key = await this.keyOf(request, integrationId);
    if (!key) throw new ScimUnauthenticatedError();
    if (request.work) request.work.lane = integrationId;
    await this.limits.take('scim', integrationId, key.tenantId);
    if (key.mode === 'disabled') throw new ScimDisabledError();
    request.scim = {
      context: {
        integrationId,
        tenantId: key.tenantId,
        actor: { kind: 'scim_key', name: key.keyName, keyPrefix: key.keyPrefix, requestId: request.id },
        admit: (tx) => this.admit(tx, key),
        quotas: { ...this.settings.quotas, ...key.quotas },
      },
      target: key.target,
      baseUrl: `${this.settings.publicUrl}/scim/v2/${integrationId}`,
    };
  }

  /** Checks the key again: the body may end minutes after the first check. @throws ScimError as `authenticate` */
  private async admit(tx: Transaction, key: VerifiedScimKey): Promise<void> {
    const admission = await this.keys.admit(tx, key);
    if (admission === 'refused') throw new ScimUnauthenticatedError();
    if (admission === 'disabled') throw new ScimDisabledError();
  }

  private async keyOf(request: FastifyRequest, integrationId: string): Promise<VerifiedScimKey | null> {
    const token = tokenOf(request.headers.authorization);
    // A request without a key guesses no key, so it does not count as a failed attempt.
    if (token === null) return null;
    return this.failures.verify(token, request.ip, () => this.keys.verify(token, integrationId));
  }
}

/** `Bearer {key}`, or the bare key, as Okta's header mode sends it. */
function tokenOf(header: string | undefined): string | null {
  const match = /^\s*(?:bearer\s+)?(\S+)\s*$/i.exec(header ?? '');
  return match?.[1] ?? null;
}
