import { Injectable } from '@nestjs/common';
import { Announcement } from '../database/announcement';

/**
 * Announces the id of an integration when its mode, settings, secret or policies change or its suspension ends.
 */
@Injectable()
export class IntegrationChanges extends Announcement {}
