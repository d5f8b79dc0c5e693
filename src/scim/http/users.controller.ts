import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Param,
  Patch,
  Post,
  Put,
  Query,
  Res,
} from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ResourceNotFoundError } from '../../directory/directory-errors';
import { type UserRow, Users } from '../../directory/users';
import type { ScimCaller } from '../authentication/scim-authentication';
import { listResponseText } from '../messages/list-response';
import {
  type SearchRequest,
  readAttributeLists,
  readSearchBody,
  readSearchQuery,
} from '../messages/search-request';
import { namesEtag, resourceId } from '../operations/preconditions';
import { UserOperations } from '../operations/user-operations';
import type { WriteConditions } from '../operations/resource-operations';
import { Cursors } from '../resources/cursors';
import { findPage } from '../resources/find-page';
import { etagOf, locationOf } from '../resources/representation';
import { UserResources } from '../resources/user-resources';
import { Projection } from '../schema/project';
import { USER } from '../schema/registry';
import { Caller, Conditions, type QueryParameters, sendJson, sendPieces } from './exchange';
import { SearchParameters } from './search-parameters';

/** RFC 7644 §3: Users. */
@ApiTags('SCIM')
@Controller('scim/v2/:integrationId/Users')
export class ScimUsersController {
  constructor(
    private readonly users: Users,
    private readonly operations: UserOperations,
    private readonly resources: UserResources,
    private readonly cursors: Cursors,
  ) {}

  @Post()
  async create(
    @Caller() caller: ScimCaller,
    @Query() query: QueryParameters,
    @Body() body: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const projection = new Projection(USER, readAttributeLists(query));
    const row = await this.operations.create(caller, body);
    await this.send(reply, 201, caller, row, projection);
  }

  @Get()
  list(
    @Caller() caller: ScimCaller,
    @SearchParameters() query: QueryParameters,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.search(caller, readSearchQuery(query), reply);
  }

  @Post('.search')
  @HttpCode(200)
  searchByPost(
    @Caller() caller: ScimCaller,
    @Body() body: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.search(caller, readSearchBody(body), reply);
  }

  @Get(':id')
  async get(
    @Caller() caller: ScimCaller,
    @Param('id') id: string,
    @Query() query: QueryParameters,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const projection = new Projection(USER, readAttributeLists(query));
    const row = await this.users.find(caller.context.integrationId, resourceId('User', id));
    if (!row) throw new ResourceNotFoundError('User', id);
    // The groups of a user can change while the version of the user stays.
    if (ifNoneMatch !== undefined && !projection.includes('groups') && namesEtag(ifNoneMatch, etagOf(row))) {
      void reply.status(304).header('ETag', etagOf(row)).send();
      return;
    }
    await this.send(reply, 200, caller, row, projection);
  }

  @Put(':id')
  async replace(
    @Caller() caller: ScimCaller,
    @Param('id') id: string,
    @Query() query: QueryParameters,
    @Body() body: unknown,
    @Conditions() conditions: WriteConditions,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const projection = new Projection(USER, readAttributeLists(query));
    const row = await this.operations.replace(caller, id, body, conditions);
    await this.send(reply, 200, caller, row, projection);
  }

  @Patch(':id')
  async modify(
    @Caller() caller: ScimCaller,
    @Param('id') id: string,
    @Query() query: QueryParameters,
    @Body() body: unknown,
    @Conditions() conditions: WriteConditions,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const projection = new Projection(USER, readAttributeLists(query));
    const row = await this.operations.modify(caller, id, body, conditions);
    await this.send(reply, 200, caller, row, projection);
  }

  @Delete(':id')
  async delete(
    @Caller() caller: ScimCaller,
    @Param('id') id: string,
    @Conditions() conditions: WriteConditions,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.operations.delete(caller, id, conditions);
    void reply.status(204).send();
  }

  private async search(
    { context, baseUrl }: ScimCaller,
    search: SearchRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const projection = new Projection(USER, search);
    const { integrationId } = context;
    const { ids, ...page } = await findPage(
      this.resources.source(integrationId, baseUrl),
      search,
      this.cursors,
    );
    const pieces = this.resources.texts(integrationId, baseUrl, ids, projection);
    await sendPieces(reply, 200, listResponseText(page, pieces));
  }

  private async send(
    reply: FastifyReply,
    status: number,
    { baseUrl }: ScimCaller,
    row: UserRow,
    projection: Projection,
  ): Promise<void> {
    void reply.header('ETag', etagOf(row)).header('Location', locationOf(baseUrl, USER, row.id));
    sendJson(reply, status, await this.resources.text(baseUrl, row, projection));
  }
}
