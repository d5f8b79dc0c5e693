import { Injectable } from '@nestjs/common';
import { Announcement } from '../database/announcement';

/** Announces the id of an integration whose desired state changed. */
@Injectable()
export class DesiredStateChanges extends Announcement {}
