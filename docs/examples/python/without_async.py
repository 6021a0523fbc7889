"""For scripts and notebooks: no async in sight."""

from thinkaloud import Agent, SyncAgent, run_sync


def main(model=None):
    print(run_sync("What is 6 * 7?", agent=Agent(model))["assistant_response"])

    with SyncAgent(Agent(model)) as agent:
        agent.chat("What is 12 * (3 + 4)?", conversation_id="sums")
        for _, chunk in agent.stream("What did I ask before?", conversation_id="sums"):
            print(chunk, end="")


if __name__ == "__main__":
    main()
