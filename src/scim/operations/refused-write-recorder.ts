import { Injectable, Logger } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import { isStorable } from '../../database/storable-text';
import { fold } from '../../directory/fold';
import { type Covered, RefusedWrites, type WrittenTo } from '../../directory/refused-writes';
import { type ScimCaller, ScimDisabledError } from '../authentication/scim-authentication';
import { isObject } from '../schema/json';
import { ScimError } from '../messages/scim-error';
import { namedAttributes } from './named-attributes';

/** A write as the client sent it, alone or in a bulk request. */
export interface AttemptedWrite {
  method: string;
  endpoint: 'Users' | 'Groups';
  target: string | null;
  body: unknown;
}

/** Statuses that say nothing about the write itself, or after which the IdP repeats it. */
const NOT_KEPT = new Set([401, 405, 429]);
const MAX_NAME_LENGTH = 256;

/** Records finally refused writes until a later write resolves them. A failed record never makes a write fail. */
@Injectable()
export class RefusedWriteRecorder {
  private readonly logger = new Logger(RefusedWriteRecorder.name);

  constructor(private readonly refusedWrites: RefusedWrites) {}

  async refused({ context }: ScimCaller, write: AttemptedWrite, error: ScimError): Promise<void> {
    if (error.status < 400 || error.status >= 500 || NOT_KEPT.has(error.status)) return;
    if (error instanceof ScimDisabledError) return;
    // The resource is already gone, so there is nothing left to do.
    if (write.method === 'DELETE' && error.status === 404) return;
    const written = writtenTo(write);
    if (!written) return;
    const path = `/${write.endpoint}${write.target === null ? '' : `/${write.target}`}`;
    await this.quietly(
      this.refusedWrites.record(context, {
        ...written,
        method: write.method,
        path,
        status: error.status,
        detail: error.detail,
        named: namedAttributes(write.method, write.body),
      }),
    );
  }

  async succeeded({ context }: ScimCaller, write: AttemptedWrite): Promise<void> {
    const written = writtenTo(write);
    if (written) await this.quietly(this.refusedWrites.makeUpFor(context, written, coveredBy(write)));
  }

  private async quietly(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      // The key may no longer write, so nothing is recorded. The write itself already returned this error.
      if (error instanceof ScimError) return;
      this.logger.error('Cannot record a refused write', error);
    }
  }
}

function coveredBy({ method, endpoint, body }: AttemptedWrite): Covered {
  if (method === 'PATCH') return { kind: 'names', names: new Set(namedAttributes(method, body)) };
  const names = method === 'PUT' && endpoint === 'Groups' ? namedAttributes(method, body) : null;
  const withMembers = names === null || names.some((name) => name.startsWith('members'));
  return withMembers ? { kind: 'all' } : { kind: 'all-but-members' };
}

/** Null if the write does not tell which resource it means. */
function writtenTo({ method, endpoint, target, body }: AttemptedWrite): WrittenTo | null {
  const resourceType = endpoint === 'Users' ? 'User' : 'Group';
  if (method !== 'POST') {
    const id = target?.toLowerCase() ?? '';
    return isUuid(id) ? { resourceType, resourceKey: id, resourceId: id } : null;
  }
  const wanted = endpoint === 'Users' ? 'username' : 'displayname';
  const key = isObject(body) ? Object.keys(body).find((name) => name.toLowerCase() === wanted) : undefined;
  const name = key === undefined ? undefined : (body as Record<string, unknown>)[key];
  if (typeof name !== 'string' || name.length > MAX_NAME_LENGTH || !isStorable(name)) return null;
  return { resourceType, resourceKey: `name:${fold(name)}`, resourceId: null };
}
