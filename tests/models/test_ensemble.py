"""The ensemble of segments: who holds what, what crosses the server, who shares statistics, who steps."""

import pytest
import torch
from plain_gan import copy_state, generator_blocks
from torch import nn

from models.architecture import Network, chain_blocks
from models.cgan import cgan28
from models.ensemble import Ensemble
from models.layers import Activation, BatchNorm, LabelInput, Linear

CUTS = [(1, 1), (2, 1), (1, 2), (2, 2)]
NETWORK = cgan28(2).generator


def make(cuts=CUTS, keys=None, network=NETWORK, learning_rate=0.01, dtype=torch.float64) -> Ensemble:
    keys = list(range(1, len(cuts) + 1)) if keys is None else keys
    return Ensemble(network, cuts, keys, 99, learning_rate, dtype=dtype)


def make_inputs(clients, rows=3):
    generator = torch.Generator().manual_seed(5)
    return {
        k: (torch.randn(rows + k, 100, generator=generator, dtype=torch.float64), torch.arange(rows + k) % 10)
        for k in clients
    }


def vector_network(blocks: int, core: int = -1) -> Network:
    """A chain of linear blocks on vectors; those in the middle have a BatchNorm."""
    first = (LabelInput(10, (2,)), Linear(6), BatchNorm(), Activation("relu"))
    middle = (Linear(6), BatchNorm(), Activation("leaky_relu"))
    layers = (first, *[middle] * (blocks - 2), (Linear(1), Activation("sigmoid")))
    return Network("discriminator", chain_blocks("D", (4,), layers), core)


def test_a_cut_says_which_blocks_a_client_holds_and_the_server_holds_the_middle():
    ensemble = make()
    assert [sorted(own) for own in ensemble.own] == [[0, 4], [0, 1, 4], [0, 3, 4], [0, 1, 3, 4]]
    assert sorted(ensemble.server) == [1, 2, 3]


def test_equal_keys_give_every_copy_of_a_block_equal_weights_and_others_do_not():
    common, independent = make(keys=[99] * 4), make()
    for block in (1, 3):
        for own in common.own:
            if block in own:
                assert torch.equal(own[block].conv.weight, common.server[block].conv.weight)
    weights = [own[0].linear.weight for own in independent.own]
    assert not any(torch.equal(weights[0], other) for other in weights[1:])
    assert not torch.equal(independent.own[1][1].conv.weight, independent.server[1].conv.weight)


def test_no_two_holders_share_a_tensor():
    ensemble = make(keys=[99] * 4)
    tensors = [parameter for module in ensemble.modules() for parameter in module.parameters()]
    pointers = [parameter.data_ptr() for parameter in tensors]
    assert len(set(pointers)) == len(pointers) == 4 * (5 + 2) + 2 * 4 + 2 * 4 + 3 * 4


def test_one_client_alone_goes_through_the_network_as_if_it_were_whole():
    ensemble = make([(2, 1)])
    blocks = [block.double() for block in generator_blocks(2)]
    for index, block in enumerate(blocks):
        copy_state(ensemble.own[0].get(index) or ensemble.server[index], block)
    (x, labels) = make_inputs([0])[0]
    wanted = nn.Sequential(*blocks[1:])(blocks[0](x, labels))
    torch.testing.assert_close(ensemble.forward({0: (x, labels)}).outputs[0], wanted)


def test_the_cores_statistics_see_everybody_and_a_held_blocks_only_its_holder():
    ensemble = make()
    inputs = make_inputs(range(4))
    cores = []
    ensemble.server[2].conv.register_forward_hook(lambda module, args, output: cores.append(output.detach()))
    ensemble.forward(inputs)
    assert len(cores) == 1
    assert len(cores[0]) == 3 + 4 + 5 + 6
    wanted_mean = 0.1 * cores[0].mean(dim=(0, 2, 3))
    torch.testing.assert_close(ensemble.server[2].norm.running_mean, wanted_mean)
    wanted_variance = 0.9 + 0.1 * cores[0].transpose(0, 1).flatten(1).var(dim=1, unbiased=True)
    torch.testing.assert_close(ensemble.server[2].norm.running_var, wanted_variance)


def test_a_middle_block_joins_exactly_the_rows_of_those_who_do_not_hold_it():
    ensemble = make()
    joined = {}

    def note(block):
        def hook(module, args):
            joined[block] = len(args[0])

        return hook

    for block, module in ensemble.server.items():
        module.register_forward_pre_hook(note(block))
    ensemble.forward(make_inputs(range(4)))
    rows = {0: 3, 1: 4, 2: 5, 3: 6}
    assert joined == {1: rows[0] + rows[2], 2: sum(rows.values()), 3: rows[0] + rows[1]}


def test_a_middle_block_that_everybody_holds_is_left_alone_by_the_server():
    ensemble = make([(2, 1), (2, 1)])
    before = {name: tensor.clone() for name, tensor in ensemble.server[1].state_dict().items()}
    tape = ensemble.forward(make_inputs(range(2)))
    tape.backward({k: torch.ones_like(rows) for k, rows in tape.outputs.items()})
    ensemble.step([0, 1])
    assert all(torch.equal(tensor, before[name]) for name, tensor in ensemble.server[1].state_dict().items())
    assert int(ensemble.server[2].norm.num_batches_tracked) == 1


def test_core_rows_are_what_the_core_block_gave_each_client():
    ensemble = make()
    outputs = []
    ensemble.server[2].register_forward_hook(lambda module, args, output: outputs.append(output.detach()))
    tape = ensemble.forward(make_inputs(range(4)))
    assert [len(tape.core[k]) for k in range(4)] == [3, 4, 5, 6]
    assert torch.equal(torch.cat([tape.core[k] for k in range(4)]), outputs[0])
    assert float(tape.core[0].detach().min()) >= 0  # after BatchNorm and activation


def test_the_core_need_not_be_the_central_block():
    network = vector_network(7, core=1)
    ensemble = Ensemble(network, [(1, 5), (1, 1)], [1, 2], 3, 0.01, dtype=torch.float64)
    seen = []
    ensemble.server[1].register_forward_hook(lambda module, args, output: seen.append(output.detach()))
    rows = {k: (torch.rand(3, 4, dtype=torch.float64), torch.zeros(3, dtype=torch.long)) for k in (0, 1)}
    tape = ensemble.forward(rows)
    assert torch.equal(torch.cat([tape.core[0], tape.core[1]]), seen[0])


def test_frozen_passes_leave_no_parameter_gradient_but_give_the_inputs_theirs():
    ensemble = make()
    inputs = {k: (x.requires_grad_(), labels) for k, (x, labels) in make_inputs(range(4)).items()}
    with ensemble.frozen():
        tape = ensemble.forward(inputs)
    gradients = tape.backward({k: torch.ones_like(rows) for k, rows in tape.outputs.items()})
    parameters = [parameter for module in ensemble.modules() for parameter in module.parameters()]
    assert all(parameter.grad is None for parameter in parameters)
    assert all(parameter.requires_grad for parameter in parameters)
    assert all(float(gradients[k].abs().sum()) > 0 for k in range(4))


def test_frozen_gives_parameters_their_gradients_back_after_an_error():
    ensemble = make()
    with pytest.raises(RuntimeError), ensemble.frozen():
        ensemble.forward({0: (torch.zeros(2, 3, dtype=torch.float64), torch.zeros(2, dtype=torch.long))})
    assert all(p.requires_grad for module in ensemble.modules() for p in module.parameters())


def test_only_the_named_clients_and_the_server_step():
    ensemble = make()
    before = {name: tensor.clone() for name, tensor in ensemble.state().items()}
    tape = ensemble.forward(make_inputs(range(4)))
    tape.backward({k: torch.ones_like(rows) for k, rows in tape.outputs.items()})
    ensemble.step([1, 3])
    moved = {
        name.split(".")[0]
        for name, tensor in ensemble.state().items()
        if name.endswith("weight") and not torch.equal(tensor, before[name])
    }
    assert moved == {"server", "client-1", "client-3"}


def test_the_first_adam_step_is_as_long_as_the_learning_rate():
    ensemble = make(learning_rate=0.03)
    before = ensemble.own[0][4].conv.bias.detach().clone()
    tape = ensemble.forward(make_inputs(range(4)))
    tape.backward({k: torch.ones_like(rows) for k, rows in tape.outputs.items()})
    ensemble.step(range(4))
    assert float((ensemble.own[0][4].conv.bias.detach() - before).abs()) == pytest.approx(0.03, rel=1e-6)


def test_a_gradient_that_never_came_is_named_rather_than_taken_as_zero():
    ensemble = make()
    tape = ensemble.forward(make_inputs(range(4)))
    tape.outputs[0] = tape.outputs[0].detach().requires_grad_()
    with pytest.raises(RuntimeError, match="no gradient has arrived"):
        tape.backward({0: torch.ones_like(tape.outputs[0])})


def test_evaluation_runs_the_composite_with_running_statistics_and_changes_nothing():
    ensemble = make()
    ensemble.forward(make_inputs(range(4)))  # so that running statistics are not at their start
    before = {name: tensor.clone() for name, tensor in ensemble.state().items()}
    x, labels = make_inputs([1])[1]
    came = ensemble.evaluate(1, x, labels)

    blocks = [block.double() for block in generator_blocks(2)]
    for index, holder in enumerate(
        [ensemble.own[1], ensemble.own[1], *[ensemble.server] * 2, ensemble.own[1]]
    ):
        copy_state(holder[index], blocks[index])
        blocks[index].eval()
    wanted = nn.Sequential(*blocks[1:])(blocks[0](x, labels))
    torch.testing.assert_close(came, wanted.detach())
    assert not came.requires_grad
    assert all(torch.equal(tensor, before[name]) for name, tensor in ensemble.state().items())
    assert all(module.training for module in ensemble.modules())
    torch.testing.assert_close(
        ensemble.evaluate(1, x[:2], labels[:2]), came[:2]
    )  # rows do not see each other


def test_state_names_every_copy_once():
    names = make().state()
    assert "server.block-2.norm.running_var" in names
    assert "client-3.block-1.conv.weight" in names
    assert not any(name.startswith("client-0.block-1.") for name in names)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_parameters_have_the_precision_asked_for(dtype):
    ensemble = make(dtype=dtype)
    assert {p.dtype for module in ensemble.modules() for p in module.parameters()} == {dtype}


def trained(ensemble: Ensemble) -> Ensemble:
    """The ensemble after two steps of Adam of everybody, so that no optimiser is fresh."""
    for seed in range(2):
        torch.manual_seed(seed)
        ensemble.zero_gradients()
        tape = ensemble.forward(make_inputs(range(len(ensemble.own))))
        tape.backward({k: torch.rand_like(rows) for k, rows in tape.outputs.items()})
        ensemble.step(range(len(ensemble.own)))
    return ensemble


def copied(states):
    return {name: tensor.clone() for name, tensor in states.items()}


def moments(adam, module):
    """The optimiser's first moments of a block, None where it has none yet."""
    return [adam.state[p]["exp_avg"].clone() if p in adam.state else None for p in module.parameters()]


def test_a_pass_without_anybody_is_played_back_to_nothing():
    ensemble = make()
    before = copied(ensemble.state())
    tape = ensemble.forward({})
    assert tape.outputs == tape.core == tape.backward({}) == {}
    assert all(torch.equal(tensor, before[name]) for name, tensor in ensemble.state().items())


def test_to_play_nobody_back_leaves_no_gradient():
    ensemble = make()
    ensemble.zero_gradients()
    ensemble.forward(make_inputs(range(4))).backward({})
    assert all(p.grad is None for module in ensemble.modules() for p in module.parameters())


def test_a_recut_to_the_same_cuts_changes_nothing():
    once, twice = trained(make()), trained(make())
    twice.recut(CUTS)
    assert twice.cuts == tuple(CUTS)
    for ensemble in (once, twice):
        trained(ensemble)  # the optimisers go on as they were
    assert list(once.state()) == list(twice.state())
    assert all(torch.equal(tensor, once.state()[name]) for name, tensor in twice.state().items())


def test_a_block_that_moves_to_a_client_is_the_servers_with_a_fresh_optimiser():
    ensemble = trained(make())
    server, first = ensemble.server[1], ensemble.own[0][0]
    kept = moments(ensemble._adam[0], first)
    shared = moments(ensemble._server_adam, server)
    ensemble.recut([(2, 1), *CUTS[1:]])
    assert [sorted(own) for own in ensemble.own] == [[0, 1, 4], [0, 1, 4], [0, 3, 4], [0, 1, 3, 4]]
    for name, tensor in ensemble.own[0][1].state_dict().items():
        assert torch.equal(tensor, server.state_dict()[name])
        assert tensor.data_ptr() != server.state_dict()[name].data_ptr()
    assert moments(ensemble._adam[0], ensemble.own[0][1]) == [None] * 4
    assert all(map(torch.equal, moments(ensemble._adam[0], first), kept))
    assert all(map(torch.equal, moments(ensemble._server_adam, server), shared))
    # The next step moves the copy: its optimiser knows it, and counts from one.
    before = copied(ensemble.own[0][1].state_dict())
    trained(ensemble)
    assert not torch.equal(ensemble.own[0][1].conv.weight, before["conv.weight"])
    steps = {float(ensemble._adam[0].state[p]["step"]) for p in ensemble.own[0][1].parameters()}
    assert steps == {2.0}
    assert {float(ensemble._adam[0].state[p]["step"]) for p in first.parameters()} == {4.0}


def test_a_block_that_leaves_a_client_is_dropped_and_the_server_runs_its_rows():
    ensemble = trained(make())
    server = copied(ensemble.server[1].state_dict())
    ensemble.recut([(1, 1)] * 4)
    assert [sorted(own) for own in ensemble.own] == [[0, 4]] * 4
    assert all(torch.equal(t, server[name]) for name, t in ensemble.server[1].state_dict().items())
    joined = []
    ensemble.server[1].register_forward_pre_hook(lambda module, args: joined.append(len(args[0])))
    ensemble.forward(make_inputs(range(4)))
    assert joined == [3 + 4 + 5 + 6]
    assert len(ensemble._adam[3].param_groups[0]["params"]) == sum(
        1 for block in ensemble.own[3].values() for _ in block.parameters()
    )


def test_a_recut_runs_as_an_ensemble_that_was_cut_so_from_the_beginning():
    ensemble, cuts = trained(make()), [(2, 2), (1, 1), (2, 1), (1, 2)]
    ensemble.recut(cuts)
    other = make(cuts)
    for k, own in enumerate(ensemble.own):
        for block, module in own.items():
            copy_state(module, other.own[k][block])
    for block, module in ensemble.server.items():
        copy_state(module, other.server[block])
    inputs = make_inputs(range(4))
    came, wanted = ensemble.forward(inputs).outputs, other.forward(inputs).outputs
    assert all(torch.equal(came[k], wanted[k]) for k in range(4))
    assert list(ensemble.state()) == list(other.state())


@pytest.mark.parametrize(
    ("cuts", "came"),
    [
        ([(1, 1)] * 3, "3 cuts for 4 clients"),
        ([(1, 1), (0, 1), (1, 1), (1, 1)], r"client 1 is cut \(0, 1\); allowed: a head of 1 to 2 blocks"),
        ([(1, 1), (1, 1), (3, 1), (1, 1)], r"client 2 is cut \(3, 1\)"),
        ([(1, 1), (1, 1), (1, 1), (1, 3)], r"client 3 is cut \(1, 3\)"),
    ],
)
def test_cuts_that_cannot_be_change_nothing_and_are_refused(cuts, came):
    ensemble = make()
    with pytest.raises(ValueError, match=came):
        ensemble.recut(cuts)
    assert ensemble.cuts == tuple(CUTS)
    assert [sorted(own) for own in ensemble.own] == [[0, 4], [0, 1, 4], [0, 3, 4], [0, 1, 3, 4]]


def test_who_has_lost_everything_gets_what_was_settled_last_and_a_fresh_optimiser():
    ensemble = trained(make())
    average = {name: torch.full_like(t, 7) for name, t in ensemble.own[1][1].state_dict().items()}
    ensemble.settle(1, 1, average)
    assert float(ensemble.own[1][1].conv.weight.detach().max()) == 7.0
    trained(ensemble)
    assert float(ensemble.own[1][1].conv.weight.detach().max()) != 7.0
    others = copied({name: t for name, t in ensemble.state().items() if not name.startswith("client-1.")})
    ensemble.restore(1)
    assert all(torch.equal(t, average[name]) for name, t in ensemble.own[1][1].state_dict().items())
    # What was never settled is as the server's key has it: client 1 began with another.
    fresh = make(keys=[99] * 4)
    for block in (0, 4):
        wanted = fresh.own[1][block].state_dict()
        assert all(torch.equal(t, wanted[name]) for name, t in ensemble.own[1][block].state_dict().items())
    assert not ensemble._adam[1].state
    assert ensemble._adam[0].state
    assert all(torch.equal(t, ensemble.state()[name]) for name, t in others.items())
    assert all(float(t.max()) == 7.0 for t in average.values())  # nobody has written into it


def test_who_has_lost_everything_gets_a_moved_block_as_it_came_from_the_server():
    ensemble = trained(make())
    ensemble.recut([(2, 1), *CUTS[1:]])
    moved = copied(ensemble.own[0][1].state_dict())
    trained(ensemble)
    ensemble.restore(0)
    assert all(torch.equal(t, moved[name]) for name, t in ensemble.own[0][1].state_dict().items())
