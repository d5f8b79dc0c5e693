import { Body, Controller, HttpCode, Post, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { RateLimits } from '../../security/rate-limits';
import type { ScimCaller } from '../authentication/scim-authentication';
import { readBulkRequest } from '../messages/bulk';
import { MESSAGE_URNS } from '../messages/urns';
import { BulkOperations } from '../operations/bulk-operations';
import { Caller, sendJson } from './exchange';
import { asScimError } from './scim-error-response';

/** RFC 7644 §3.7: many writes in one request. */
@ApiTags('SCIM')
@Controller('scim/v2/:integrationId/Bulk')
export class BulkController {
  constructor(
    private readonly bulk: BulkOperations,
    private readonly limits: RateLimits,
  ) {}

  @Post()
  @HttpCode(200)
  async run(@Caller() caller: ScimCaller, @Body() body: unknown, @Res() reply: FastifyReply): Promise<void> {
    const request = readBulkRequest(body);
    const { integrationId, tenantId } = caller.context;
    // The rate limit already counted the request as one.
    await this.limits.charge('scim', integrationId, tenantId, request.operations.length - 1);
    const operations = await this.bulk.run(caller, request, asScimError);
    sendJson(reply, 200, JSON.stringify({ schemas: [MESSAGE_URNS.bulkResponse], Operations: operations }));
  }
}
