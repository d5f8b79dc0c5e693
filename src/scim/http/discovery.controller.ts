import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { ScimCaller } from '../authentication/scim-authentication';
import { listResponse } from '../messages/list-response';
import { BULK_LIMITS } from '../messages/bulk';
import { ScimError } from '../messages/scim-error';
import { PAGE_SIZE } from '../messages/search-request';
import { RESOURCE_TYPES, SCHEMAS, describeResourceType, describeSchema } from '../schema/registry';
import { Caller, type QueryParameters, sendJson } from './exchange';

/** RFC 7644 §4: what this service provider can do. */
@ApiTags('SCIM')
@Controller('scim/v2/:integrationId')
export class DiscoveryController {
  @Get('ServiceProviderConfig')
  config(
    @Caller() { baseUrl }: ScimCaller,
    @Query() query: QueryParameters,
    @Res() reply: FastifyReply,
  ): void {
    refuseFilter(query);
    sendJson(
      reply,
      200,
      JSON.stringify({
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
        patch: { supported: true },
        bulk: { supported: true, ...BULK_LIMITS },
        filter: { supported: true, maxResults: PAGE_SIZE.max },
        changePassword: { supported: false },
        sort: { supported: true },
        etag: { supported: true },
        pagination: {
          cursor: true,
          index: true,
          defaultPaginationMethod: 'index',
          defaultPageSize: PAGE_SIZE.default,
          maxPageSize: PAGE_SIZE.max,
        },
        authenticationSchemes: [
          {
            type: 'oauthbearertoken',
            name: 'SCIM key',
            description: 'The SCIM key of this integration as a bearer token',
            specUri: 'https://www.rfc-editor.org/info/rfc6750',
            primary: true,
          },
        ],
        meta: {
          resourceType: 'ServiceProviderConfig',
          location: `${baseUrl}/ServiceProviderConfig`,
        },
      }),
    );
  }

  @Get('ResourceTypes')
  resourceTypes(
    @Caller() { baseUrl }: ScimCaller,
    @Query() query: QueryParameters,
    @Res() reply: FastifyReply,
  ): void {
    refuseFilter(query);
    sendList(
      reply,
      RESOURCE_TYPES.map((type) => describeResourceType(type, baseUrl)),
    );
  }

  @Get('ResourceTypes/:name')
  resourceType(
    @Caller() { baseUrl }: ScimCaller,
    @Param('name') name: string,
    @Query() query: QueryParameters,
    @Res() reply: FastifyReply,
  ): void {
    refuseFilter(query);
    const type = RESOURCE_TYPES.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase());
    if (!type) throw ScimError.notFound('There is no such resource type.');
    sendJson(reply, 200, JSON.stringify(describeResourceType(type, baseUrl)));
  }

  @Get('Schemas')
  schemas(
    @Caller() { baseUrl }: ScimCaller,
    @Query() query: QueryParameters,
    @Res() reply: FastifyReply,
  ): void {
    refuseFilter(query);
    sendList(
      reply,
      SCHEMAS.map((schema) => describeSchema(schema, baseUrl)),
    );
  }

  @Get('Schemas/:urn')
  schema(
    @Caller() { baseUrl }: ScimCaller,
    @Param('urn') urn: string,
    @Query() query: QueryParameters,
    @Res() reply: FastifyReply,
  ): void {
    refuseFilter(query);
    const schema = SCHEMAS.find((candidate) => candidate.id.toLowerCase() === urn.toLowerCase());
    if (!schema) throw ScimError.notFound('There is no such schema.');
    sendJson(reply, 200, JSON.stringify(describeSchema(schema, baseUrl)));
  }
}

/** RFC 7644 §4 asks for 403, so no client trusts a filter that has no effect. */
function refuseFilter({ filter }: QueryParameters): void {
  if (filter === undefined || filter === '') return;
  throw new ScimError(403, undefined, 'This endpoint does not support "filter"; read the whole list.');
}

function sendList(reply: FastifyReply, items: Record<string, unknown>[]): void {
  const page = { totalResults: items.length, startIndex: 1, itemsPerPage: items.length };
  sendJson(reply, 200, JSON.stringify(listResponse(page, items)));
}
