'use strict';

// Gives infra/params.js the command that runs, and its credentials; says the next step after a deployment.

const { ask } = require('./python');

// Printed as they begin, so that a log without a terminal shows them too.
const STEPS = {
  'before:package:initialize': 'Packaging the two functions',
  'before:aws:deploy:deploy:uploadArtifacts': 'Uploading them',
  'before:aws:deploy:deploy:updateStack': 'Updating the stack, which takes CloudFormation a minute or two',
};

class Deployment {
  constructor(serverless, options, { log }) {
    this.serverless = serverless;
    this.log = log;
    this.configurationVariablesSources = { deployment: { resolve: async () => ({ value: await this.describe() }) } };
    const says = Object.entries(STEPS).map(([event, line]) => [event, () => serverless.service.provider.shouldNotDeploy || log.notice(line)]);
    this.hooks = { ...Object.fromEntries(says), 'after:package:initialize': () => this.declare(), finalize: () => this.next() };
  }

  get place() {
    const provider = this.serverless.getProvider('aws');
    return { stack: provider.naming.getStackName(), region: provider.getRegion() };
  }

  async credentials() {
    const { credentials } = await this.serverless.getProvider('aws').getAwsSdkV3Config();
    return credentials();
  }

  async describe() {
    const [command, kind] = this.serverless.processedInput.commands;
    if (command !== 'deploy' || kind === 'list') return { ...this.place, command };
    try {
      return { ...this.place, command, credentials: await this.credentials() };
    } catch ({ message }) {
      return { ...this.place, failure: message };
    }
  }

  // The stack is created with a bucket for uploads alone, and CloudFormation takes no parameter that a template does not declare.
  declare() {
    const { provider, resources } = this.serverless.service;
    provider.coreCloudFormationTemplate.Parameters = resources.Parameters;
  }

  async next() {
    if (this.serverless.processedInput.commands.join(' ') !== 'deploy') return;
    try {
      const [line] = ask('infra.steps', { command: 'deploy', ...this.place, kept: true }, await this.credentials());
      this.log.notice(line);
    } catch ({ message }) {
      this.log.warning(`Deployed, but the next step is unknown: ${message}`);
    }
  }
}

module.exports = Deployment;
