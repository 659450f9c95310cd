from bench.results import Result
def show(result: Result) -> None:
    print(len(result.rows))
