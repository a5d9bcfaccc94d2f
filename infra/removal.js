'use strict';

// Runs before `osls remove`. CloudFormation deletes a bucket only when it is empty, and fails half-way otherwise. So this
// empties the demo site's bucket in a temporary stage, and stops the removal in any other. It lists what waits and what stays.

const { S3Client, DeleteObjectsCommand, ListObjectVersionsCommand } = require('@aws-sdk/client-s3');
const { CloudFormationClient, DescribeStacksCommand } = require('@aws-sdk/client-cloudformation');
const { ask } = require('./python');

const PASSING_STAGES = ['demo', 'test'];

class Removal {
  constructor(serverless, options, { log }) {
    this.serverless = serverless;
    this.log = log;
    this.hooks = { 'before:remove:remove': () => this.prepare() };
  }

  async prepare() {
    const provider = this.serverless.getProvider('aws');
    const config = await provider.getAwsSdkV3Config();
    const stack = provider.naming.getStackName();
    const outputs = await this.outputs(new CloudFormationClient(config), stack);
    if (outputs.SiteBucket) await this.empty(new S3Client(config), outputs.SiteBucket, provider.getStage());
    if (outputs.FlushFunction) this.list(stack, provider, await config.credentials());
  }

  list(stack, provider, credentials) {
    const kept = !PASSING_STAGES.includes(provider.getStage());
    try {
      const question = { command: 'remove', stack, region: provider.getRegion(), kept };
      for (const line of ask('infra.steps', question, credentials)) this.log.warning(line);
    } catch ({ message }) {
      this.log.warning(`It is unknown what waits and what stays: ${message}`);
    }
  }

  async outputs(cloudFormation, StackName) {
    try {
      const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
      return Object.fromEntries((Stacks[0].Outputs ?? []).map((one) => [one.OutputKey, one.OutputValue]));
    } catch (error) {
      if (/does not exist/.test(error.message)) return {};
      throw error;
    }
  }

  async empty(s3, Bucket, stage) {
    for (;;) {
      const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
      const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
      if (Objects.length === 0) return;
      if (!PASSING_STAGES.includes(stage)) {
        throw new this.serverless.classes.Error(
          `The bucket ${Bucket} is not empty, and would be deleted; empty it first, with every version it may have: aws s3 rm --recursive s3://${Bucket}`
        );
      }
      const { Errors = [] } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
      if (Errors.length > 0) throw new this.serverless.classes.Error(`The bucket ${Bucket} cannot be emptied: ${Errors[0].Message}`);
    }
  }
}

module.exports = Removal;
