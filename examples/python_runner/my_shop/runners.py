"""A runner of your own: five lines and an entry point (see pyproject.toml beside this folder)."""

from tradefree.runners import runner


@runner
def word_count(input_data, run):
    run.log("info", "counting")
    return {"words": len(input_data["text"].split())}
