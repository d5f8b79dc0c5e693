import { All, Body, Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiExcludeEndpoint, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ScimCaller } from '../authentication/scim-authentication';
import { scimRouteOf } from '../authentication/scim-route';
import { listResponseText } from '../messages/list-response';
import { ScimError, ScimMethodNotAllowedError } from '../messages/scim-error';
import { readSearchBody } from '../messages/search-request';
import { RootSearch } from '../resources/root-search';
import { Caller, sendPieces } from './exchange';

/** Methods of each endpoint. Another method on a known endpoint gets 405, any other path gets 404. */
const METHODS: readonly [RegExp, string][] = [
  [/^\/(Users|Groups)$/, 'GET, POST'],
  [/^\/((Users|Groups)\/)?\.search$/, 'POST'],
  [/^\/(Users|Groups)\/[^/]+$/, 'GET, PUT, PATCH, DELETE'],
  [/^\/(ServiceProviderConfig|(ResourceTypes|Schemas)(\/[^/]+)?)$/, 'GET'],
  [/^\/Bulk$/, 'POST'],
];

/** Endpoints of the whole service provider, and every path without a route. */
@ApiTags('SCIM')
@Controller('scim/v2/:integrationId')
export class ScimRootController {
  constructor(private readonly rootSearch: RootSearch) {}

  /** RFC 7644 §3.4.3: one search over every type of resource. */
  @Post('.search')
  @HttpCode(200)
  async search(
    @Caller() { context, baseUrl }: ScimCaller,
    @Body() body: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { page, pieces } = await this.rootSearch.find(context.integrationId, baseUrl, readSearchBody(body));
    await sendPieces(reply, 200, listResponseText(page, pieces));
  }

  /** RFC 7644 §3.11: a SCIM key belongs to an integration, not to a user. */
  @All('Me')
  @ApiExcludeEndpoint()
  me(): never {
    throw new ScimError(501, undefined, 'The endpoint /Me is not supported; address the user by its id.');
  }

  @All(['', '*'])
  @ApiExcludeEndpoint()
  anythingElse(@Req() request: FastifyRequest): never {
    const path = scimRouteOf(request)!.path.replace(/\/$/, '');
    const allowed = METHODS.find(([endpoint]) => endpoint.test(path))?.[1];
    if (allowed === undefined) throw ScimError.notFound('There is no such SCIM endpoint.');
    throw new ScimMethodNotAllowedError(allowed);
  }
}
