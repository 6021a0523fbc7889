"""A hook that watches every run, and one that adds a line to every answer."""

from thinkaloud import AgentHook


class Diary(AgentHook):
    """Writes down what happened. One object for each run: hand over the class."""

    def __init__(self):
        self.thoughts = [""]

    async def before_run(self, run):
        print(f"{run.run_id} asks {run.model}: {run.text}")

    async def emit_reasoning(self, delta):
        self.thoughts[-1] += delta

    async def emit_reasoning_end(self):
        self.thoughts.append("")

    async def before_execute_tools(self, calls):
        for call in calls:
            print(f"calls {call.name} {call.arguments}")

    async def on_error(self, error):
        print(f"failed: {error.code}")

    async def after_run(self, reply):
        print(f"{reply.status} after {len(self.thoughts) - 1} thoughts")


class Disclaimer(AgentHook):
    """Ends every answer with a paragraph of its own. It may add to the answer, not change it."""

    async def finalize_content(self, content):
        return f"{content}Prices may change."
