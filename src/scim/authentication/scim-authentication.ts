import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ChangeContext } from '../../directory/change-context';
import { SETTINGS, type Settings } from '../../config/settings';
import { ScimKeys } from '../../integrations/scim-keys/scim-keys.service';
import { ScimError } from '../messages/scim-error';

const SCIM_PATH = /^\/+scim\/+v2\/+([^/?#]+)/i;

/** On whose behalf a SCIM request acts, and under which address its resources are found. */
export interface ScimCaller {
  context: ChangeContext;
  /** Without a trailing slash. */
  baseUrl: string;
}

export type ScimFastifyRequest = FastifyRequest & {
  scim?: ScimCaller;
  /** Set where the request is answered with an error. */
  refusal?: ScimError;
};

/** The key that a request has shown is missing, wrong, expired, revoked, or another integration's: one answer for all. */
export class ScimUnauthenticatedError extends ScimError {
  constructor() {
    super(
      401,
      undefined,
      'The SCIM key is not valid for this URL; copy both anew from Scimify into the identity provider.',
    );
  }
}

/** Checks the SCIM key of every request below `/scim/v2`, before its body is read. */
@Injectable()
export class ScimAuthentication implements OnModuleInit {
  constructor(
    private readonly keys: ScimKeys,
    private readonly adapters: HttpAdapterHost,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapters.httpAdapter.getInstance<FastifyInstance>();
    fastify.addHook('onRequest', async (request: ScimFastifyRequest) => {
      const integrationId = SCIM_PATH.exec(request.url)?.[1];
      if (integrationId !== undefined) await this.authenticate(request, integrationId.toLowerCase());
    });
  }

  /** @throws ScimError 401, or 403 for an integration that an admin disabled */
  private async authenticate(request: ScimFastifyRequest, integrationId: string): Promise<void> {
    const token = tokenOf(request.headers.authorization);
    const key = token === null ? null : await this.keys.verify(token, integrationId);
    if (!key) throw new ScimUnauthenticatedError();
    if (key.mode === 'disabled') {
      throw new ScimError(
        403,
        undefined,
        'This integration is disabled in Scimify: changes are not accepted until an admin enables or pauses it.',
      );
    }
    request.scim = {
      context: {
        integrationId,
        tenantId: key.tenantId,
        actor: { kind: 'scim_key', name: key.keyName, keyPrefix: key.keyPrefix, requestId: request.id },
      },
      baseUrl: `${this.settings.publicUrl}/scim/v2/${integrationId}`,
    };
  }
}

/** `Bearer {key}`, or the bare key, as Okta's header mode sends it. */
function tokenOf(header: string | undefined): string | null {
  const match = /^\s*(?:bearer\s+)?(\S+)\s*$/i.exec(header ?? '');
  return match?.[1] ?? null;
}
