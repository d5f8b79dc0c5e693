import { Controller, Get, Logger, Res } from '@nestjs/common';
import {
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiPropertyOptional,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import { InjectDataSource } from '@nestjs/typeorm';
import type { FastifyReply } from 'fastify';
import type { DataSource } from 'typeorm';
import { Readiness } from './readiness';

class HealthView {
  @ApiProperty({ enum: ['ok', 'unavailable'] }) status: 'ok' | 'unavailable';
  @ApiPropertyOptional({
    description: 'The reason in one sentence; only with the status `unavailable`',
    example: 'The database does not answer.',
  })
  reason?: string;
}

@ApiTags('Health')
@Controller('health')
export class HealthController {
  private readonly logger = new Logger(HealthController.name);

  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly readiness: Readiness,
  ) {}

  @Get('live')
  @ApiOperation({ summary: 'The process runs' })
  @ApiOkResponse({ type: HealthView })
  live(): HealthView {
    return { status: 'ok' };
  }

  @Get('ready')
  @ApiOperation({ summary: 'The process can serve: its database answers and has space for writes' })
  @ApiOkResponse({ type: HealthView })
  @ApiServiceUnavailableResponse({ type: HealthView, description: 'The process cannot serve' })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<HealthView> {
    const reason = (await this.databaseFailure()) ?? this.readiness.obstacle;
    if (reason === null) return { status: 'ok' };
    void reply.status(503);
    return { status: 'unavailable', reason };
  }

  private async databaseFailure(): Promise<string | null> {
    try {
      await this.reader.query('SELECT 1');
      return null;
    } catch (error) {
      this.logger.error('The database does not answer', error);
      return 'The database does not answer.';
    }
  }
}
