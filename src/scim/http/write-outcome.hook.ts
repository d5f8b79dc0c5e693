import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ScimFastifyRequest } from '../authentication/scim-authentication';
import { scimRouteOf } from '../authentication/scim-route';
import { type AttemptedWrite, RefusedWriteRecorder } from '../operations/refused-write-recorder';

const RESOURCE_PATH = /^\/(Users|Groups)(?:\/([^/]+))?\/?$/;

/** Records the outcome of every write before the response, even if the body of the request could not be read. */
@Injectable()
export class WriteOutcomeHook implements OnModuleInit {
  constructor(
    private readonly adapters: HttpAdapterHost,
    private readonly recorder: RefusedWriteRecorder,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapters.httpAdapter.getInstance<FastifyInstance>();
    fastify.addHook('onSend', async (request: ScimFastifyRequest, reply: FastifyReply) => {
      const write = request.scim && attemptedWrite(request);
      if (!write) return;
      const { refusal } = request;
      if (refusal) await this.recorder.refused(request.scim!, write, refusal);
      else if (reply.statusCode < 300) await this.recorder.succeeded(request.scim!, write);
    });
  }
}

function attemptedWrite(request: ScimFastifyRequest): AttemptedWrite | null {
  if (!['POST', 'PUT', 'PATCH', 'DELETE'].includes(request.method)) return null;
  const match = RESOURCE_PATH.exec(scimRouteOf(request)?.path ?? '');
  if (!match || match[2] === '.search') return null;
  return {
    method: request.method,
    endpoint: match[1] as 'Users' | 'Groups',
    target: match[2] ?? null,
    body: request.body,
  };
}
